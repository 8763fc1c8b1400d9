"""Draws the pictures of the sample video: slides, painted scenes that move, and photographs seen through a slow camera.

Every picture is a function of time, so a frame is the same whenever it is drawn. It does not know the story.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WIDTH_PX, HEIGHT_PX = 960, 540

Draw = Callable[[float, float], Image.Image]
"""``draw(time_s, duration_s)`` returns the RGB frame at that time since the scene began."""

Colour = tuple[int, int, int]
PAPER, INK, CORAL, TEAL = (251, 245, 232), (30, 41, 66), (226, 104, 82), (52, 120, 128)
NIGHT = (13, 20, 44)


@cache
def load_font(size_px: int, style: str = "Serif") -> ImageFont.FreeTypeFont:
    """Return a DejaVu face; ``style`` as in the file name, e.g. ``Serif-Bold``."""
    return ImageFont.truetype(f"DejaVu{style}.ttf", size_px)


def paint_gradient(stops: Sequence[tuple[float, Colour]], width_px: int, height_px: int) -> Image.Image:
    """Return a vertical gradient through ``(share of the height, colour)`` stops, top first, smoothly eased."""
    at = np.linspace(0.0, 1.0, height_px)
    shares = [share for share, _ in stops]
    rows = np.stack([np.interp(at, shares, [colour[i] for _, colour in stops]) for i in range(3)], axis=1)
    return Image.fromarray(np.repeat(rows[:, None, :], width_px, axis=1).round().astype(np.uint8))


def add_glow(picture: Image.Image, x: float, y: float, radius_px: float, colour: Colour, strength: float) -> None:
    """Add a soft round light to the picture in place."""
    left, top = max(0, int(x - radius_px)), max(0, int(y - radius_px))
    right, bottom = min(picture.width, int(x + radius_px)), min(picture.height, int(y + radius_px))
    if right <= left or bottom <= top:
        return
    grid_y, grid_x = np.mgrid[top:bottom, left:right]
    light = np.clip(1 - np.hypot(grid_x - x, grid_y - y) / radius_px, 0, 1) ** 2 * strength
    region = np.asarray(picture.crop((left, top, right, bottom)), dtype=np.float64)
    lit = region + light[..., None] * (np.array(colour, dtype=np.float64) - region)
    picture.paste(Image.fromarray(lit.clip(0, 255).astype(np.uint8)), (left, top))


def draw_lighthouse(picture: Image.Image, x: float, foot_y: float, height_px: float, *, is_lit: bool = True) -> None:
    """Draw a striped tower with gallery, lantern and dome onto the picture; ``x`` is its axis."""
    draw = ImageDraw.Draw(picture)
    unit = height_px / 100
    foot, neck = 12 * unit, 7.5 * unit
    for band in range(6):
        low, high = band / 6, (band + 1) / 6
        y_low, y_high = foot_y - low * 78 * unit, foot_y - high * 78 * unit
        half_low, half_high = foot + (neck - foot) * low, foot + (neck - foot) * high
        light, shade = ((247, 241, 228), (214, 205, 196)) if band % 2 else ((206, 78, 66), (168, 56, 52))
        corners = [(x - half_low, y_low), (x + half_low, y_low), (x + half_high, y_high), (x - half_high, y_high)]
        draw.polygon(corners, fill=light)
        draw.polygon([(x + half_low * 0.35, y_low), corners[1], corners[2], (x + half_high * 0.35, y_high)], fill=shade)
    for share in (0.18, 0.42, 0.66):
        y = foot_y - share * 78 * unit
        draw.rounded_rectangle((x - 1.6 * unit, y - 5 * unit, x + 1.6 * unit, y), radius=1.5 * unit, fill=INK)
    top = foot_y - 78 * unit
    draw.rectangle((x - 10 * unit, top - 2 * unit, x + 10 * unit, top + unit), fill=INK)
    glass = (255, 226, 140) if is_lit else (120, 136, 150)
    draw.rectangle((x - 5.5 * unit, top - 13 * unit, x + 5.5 * unit, top - 2 * unit), fill=glass)
    for bar in (-5.5, -1.8, 1.8, 5.5):
        draw.line((x + bar * unit, top - 13 * unit, x + bar * unit, top - 2 * unit), fill=INK, width=max(1, int(unit)))
    draw.pieslice((x - 7 * unit, top - 20 * unit, x + 7 * unit, top - 6 * unit), 180, 360, fill=(148, 48, 46))
    draw.line((x, top - 20 * unit, x, top - 25 * unit), fill=INK, width=max(1, int(unit)))


def draw_cliff(picture: Image.Image, ridge: Sequence[tuple[float, float]], colour: Colour, *, grain: int) -> None:
    """Fill below a ridge of (x, y) points down to the lower edge, roughened by ``grain`` (a seed)."""
    rng = np.random.default_rng(grain)
    xs = np.arange(ridge[0][0], ridge[-1][0] + 1, 6)
    ys = np.interp(xs, [x for x, _ in ridge], [y for _, y in ridge]) + rng.normal(0, 1.6, xs.size)
    outline = [
        *zip(xs.tolist(), ys.tolist(), strict=True),
        (ridge[-1][0], picture.height),
        (ridge[0][0], picture.height),
    ]
    ImageDraw.Draw(picture).polygon(outline, fill=colour)


def draw_ripples(picture: Image.Image, top_y: int, colour: Colour, time_s: float, *, seed: int, n: int = 90) -> None:
    """Draw short strokes of light that drift on water below ``top_y``; nearer ones are longer and brighter."""
    rng = np.random.default_rng(seed)
    draw = ImageDraw.Draw(picture, "RGBA")
    for _ in range(n):
        depth = rng.random() ** 1.6
        x, phase, pace = rng.random() * picture.width, rng.random() * math.tau, 0.5 + rng.random()
        y = top_y + 6 + depth * (picture.height - top_y - 10)
        half = (6 + 42 * depth) * (0.7 + 0.3 * math.sin(pace * time_s + phase))
        shift = 10 * math.sin(0.4 * pace * time_s + phase)
        alpha = int((35 + 70 * depth) * (0.55 + 0.45 * math.sin(pace * time_s + 2 * phase)))
        draw.line((x + shift - half, y, x + shift + half, y), fill=(*colour, alpha), width=1 + int(2 * depth))


def draw_stars(picture: Image.Image, below_y: int, time_s: float, *, seed: int, n: int) -> None:
    """Draw stars that twinkle above ``below_y``."""
    rng = np.random.default_rng(seed)
    draw = ImageDraw.Draw(picture, "RGBA")
    for _ in range(n):
        x, y, size, phase = (
            rng.random() * picture.width,
            rng.random() ** 1.3 * below_y,
            rng.random(),
            rng.random() * 6.3,
        )
        alpha = int((110 + 145 * size) * (0.75 + 0.25 * math.sin(1.5 * time_s + phase)) * (1 - 0.7 * y / below_y))
        radius = 0.5 + 1.1 * size**3
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 250, 235, alpha))


def draw_beam(picture: Image.Image, x: float, y: float, turn: float) -> Image.Image:
    """Return the picture with the two beams of a lamp at (x, y) that has made ``turn`` turns, seen from the side."""
    angle = math.tau * turn
    reach = max(1.0, abs(math.cos(angle)) * 900)
    spread = 26 + 40 * abs(math.sin(angle))
    tilt = 30 * math.sin(angle)
    veil = Image.new("L", picture.size, 0)
    draw = ImageDraw.Draw(veil)
    for side in (1, -1):
        far_x, far_y = x + side * reach, y + side * tilt
        draw.polygon([(x, y - 3), (far_x, far_y - spread), (far_x, far_y + spread), (x, y + 3)], fill=120)
    veil = veil.filter(ImageFilter.GaussianBlur(7))
    fade = np.clip(1 - np.abs(np.arange(picture.width) - x) / reach, 0, 1)[None, :] ** 1.3
    mask = Image.fromarray((np.asarray(veil) * fade).astype(np.uint8))
    lit = Image.composite(Image.new("RGB", picture.size, (255, 240, 196)), picture, mask)
    add_glow(lit, x, y, 60 + 90 * abs(math.sin(angle)) ** 6, (255, 240, 190), 0.9)
    return lit


def move_camera(
    photo: Image.Image, start: tuple[float, float, float], end: tuple[float, float, float], caption: str = ""
) -> Draw:
    """Return a slow pan and zoom over a photograph (the Ken Burns effect).

    ``start`` and ``end`` are (centre x, centre y, width) of the view as shares of the photograph's width and height.
    """
    photo = photo.convert("RGB")
    scale = 2 * WIDTH_PX / photo.width
    photo = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.LANCZOS)

    def draw(time_s: float, duration_s: float) -> Image.Image:
        share = 0.5 - 0.5 * math.cos(math.pi * min(1.0, time_s / duration_s))
        x, y, width = (a + (b - a) * share for a, b in zip(start, end, strict=True))
        zoom = width * photo.width / WIDTH_PX
        left = min(max(0.0, x * photo.width - zoom * WIDTH_PX / 2), photo.width - zoom * WIDTH_PX)
        top = min(max(0.0, y * photo.height - zoom * HEIGHT_PX / 2), photo.height - zoom * HEIGHT_PX)
        view = (zoom, 0.0, left, 0.0, zoom, top)
        frame = photo.transform((WIDTH_PX, HEIGHT_PX), Image.Transform.AFFINE, view, Image.Resampling.BICUBIC)
        if caption:
            draw_caption(frame, caption)
        return frame

    return draw


def draw_caption(picture: Image.Image, text: str) -> None:
    """Draw a lower-third caption onto the picture."""
    draw = ImageDraw.Draw(picture, "RGBA")
    font = load_font(26, "Serif-Italic")
    width = draw.textlength(text, font=font)
    draw.rectangle((40, 462, 40 + width + 44, 510), fill=(*NIGHT, 205))
    draw.rectangle((40, 462, 46, 510), fill=(*CORAL, 255))
    draw.text((64, 486), text, font=font, fill=(255, 250, 240), anchor="lm")


def draw_title(title: str, subtitle: str) -> Draw:
    """Return the title slide: a name over a quiet dawn sea."""
    base = paint_gradient([(0, (33, 52, 92)), (0.55, (214, 128, 116)), (0.78, (250, 205, 150))], WIDTH_PX, 390)
    sea = paint_gradient([(0, (120, 108, 128)), (1, (26, 40, 72))], WIDTH_PX, HEIGHT_PX - 390)
    dawn = Image.new("RGB", (WIDTH_PX, HEIGHT_PX))
    dawn.paste(base, (0, 0))
    dawn.paste(sea, (0, 390))
    add_glow(dawn, 700, 392, 260, (255, 236, 190), 0.8)
    draw_cliff(dawn, [(640, 540), (690, 450), (780, 378), (860, 354), (960, 348)], (38, 36, 58), grain=1)
    draw_lighthouse(dawn, 868, 356, 170)

    def draw(time_s: float, _duration_s: float) -> Image.Image:
        frame = dawn.copy()
        draw_ripples(frame, 400, (255, 220, 180), time_s, seed=4)
        pen = ImageDraw.Draw(frame)
        pen.text((72, 150), title, font=load_font(58, "Serif-Bold"), fill=(255, 250, 240), anchor="ls")
        pen.line((74, 176, 74 + 240, 176), fill=CORAL, width=5)
        pen.text((72, 220), subtitle, font=load_font(30), fill=(255, 240, 222), anchor="ls")
        return frame

    return draw


def draw_slide(title: str, bullets: Sequence[str], appear_s: Sequence[float], footer: str) -> Draw:
    """Return a paper slide whose bullets appear one after another at the given times."""
    paper = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), PAPER)
    pen = ImageDraw.Draw(paper)
    pen.rectangle((0, 0, 18, HEIGHT_PX), fill=TEAL)
    pen.text((80, 120), title, font=load_font(46, "Serif-Bold"), fill=INK, anchor="ls")
    pen.line((82, 142, 282, 142), fill=CORAL, width=5)
    pen.text((80, 505), footer, font=load_font(18, "Sans"), fill=(128, 124, 116), anchor="ls")
    draw_lighthouse(paper, 840, 470, 250)
    draw_cliff(paper, [(720, 490), (790, 468), (880, 464), (960, 480)], TEAL, grain=2)

    def draw(time_s: float, _duration_s: float) -> Image.Image:
        frame = paper.copy()
        pen = ImageDraw.Draw(frame)
        for row, (bullet, from_s) in enumerate(zip(bullets, appear_s, strict=True)):
            if time_s >= from_s:
                y = 228 + row * 86
                pen.ellipse((84, y - 9, 102, y + 9), fill=CORAL)
                pen.text((128, y), bullet, font=load_font(36), fill=INK, anchor="lm")
        return frame

    return draw


def draw_dusk(turn_s: float) -> Draw:
    """Return the lighthouse at dusk, its beam turning once in ``turn_s``."""
    sky = [(0, (18, 26, 60)), (0.45, (84, 62, 112)), (0.72, (222, 120, 104)), (1, (252, 196, 132))]
    base = Image.new("RGB", (WIDTH_PX, HEIGHT_PX))
    base.paste(paint_gradient(sky, WIDTH_PX, 350), (0, 0))
    base.paste(paint_gradient([(0, (186, 116, 112)), (0.3, (70, 62, 104)), (1, (14, 22, 52))], WIDTH_PX, 190), (0, 350))
    add_glow(base, 660, 352, 300, (255, 214, 140), 0.75)
    add_glow(base, 660, 350, 70, (255, 244, 210), 1.0)
    draw_cliff(base, [(0, 372), (90, 352), (250, 362), (330, 398), (400, 470), (470, 540)], (24, 24, 44), grain=3)
    pen = ImageDraw.Draw(base)
    for x, y, size in ((540, 470, 46), (620, 506, 30), (486, 500, 40)):
        rock = [(x - size, y + 26), (x - size / 2, y + 4), (x - 4, y - 8), (x + size / 2, y + 6), (x + size, y + 26)]
        pen.polygon(rock, fill=(20, 20, 38))
    draw_lighthouse(base, 210, 360, 290)

    def draw(time_s: float, _duration_s: float) -> Image.Image:
        frame = base.copy()
        draw_stars(frame, 220, time_s, seed=5, n=70)
        draw_ripples(frame, 356, (255, 206, 160), time_s, seed=6)
        return draw_beam(frame, 210, 112, 0.08 + time_s / turn_s)

    return draw


def draw_arrival() -> Draw:
    """Return a bright morning: a small boat with a red sail comes to the pier below the tower."""
    base = Image.new("RGB", (WIDTH_PX, HEIGHT_PX))
    base.paste(
        paint_gradient([(0, (112, 178, 214)), (0.7, (206, 232, 236)), (1, (246, 240, 222))], WIDTH_PX, 300), (0, 0)
    )
    base.paste(paint_gradient([(0, (92, 168, 180)), (1, (24, 92, 120))], WIDTH_PX, 240), (0, 300))
    for x, y, size in ((150, 90, 46), (205, 80, 60), (270, 94, 44), (520, 60, 36), (566, 52, 50), (610, 64, 34)):
        add_glow(base, x, y, size * 1.5, (255, 255, 255), 0.85)
    draw_cliff(base, [(600, 540), (632, 370), (700, 266), (800, 236), (960, 230)], (108, 148, 96), grain=8)
    draw_cliff(base, [(604, 540), (640, 380), (720, 310), (820, 300), (960, 296)], (150, 132, 104), grain=9)
    draw_lighthouse(base, 838, 246, 200, is_lit=False)
    pen = ImageDraw.Draw(base)
    pen.rectangle((600, 372, 960, 388), fill=(120, 86, 60))
    for x in range(612, 960, 48):
        pen.rectangle((x, 388, x + 9, 440), fill=(92, 64, 46))

    def draw(time_s: float, duration_s: float) -> Image.Image:
        frame = base.copy()
        draw_ripples(frame, 306, (236, 252, 250), time_s, seed=10)
        x = 110 + 380 * (1 - (1 - min(1.0, time_s / duration_s)) ** 2)
        y = 424 + 4 * math.sin(1.9 * time_s)
        lean = 5 * math.sin(1.3 * time_s)
        pen = ImageDraw.Draw(frame)
        pen.polygon([(x + lean, y - 150), (x + 8, y - 22), (x + 92 + lean, y - 30)], fill=(204, 72, 60))
        pen.polygon([(x - 6 + lean, y - 128), (x - 6, y - 22), (x - 62, y - 26)], fill=(244, 228, 200))
        pen.line((x, y, x + lean, y - 156), fill=(84, 56, 40), width=5)
        pen.polygon([(x - 86, y - 16), (x + 106, y - 16), (x + 78, y + 22), (x - 62, y + 22)], fill=(246, 244, 236))
        pen.polygon([(x - 76, y + 4), (x + 92, y + 4), (x + 78, y + 22), (x - 62, y + 22)], fill=(46, 84, 120))
        pen.ellipse((x + 40, y - 50, x + 56, y - 34), fill=(236, 190, 158))
        pen.polygon([(x + 36, y - 14), (x + 60, y - 14), (x + 55, y - 36), (x + 41, y - 36)], fill=(236, 186, 60))
        return frame

    return draw


def draw_moonlight() -> Draw:
    """Return a night without words: moon, northern lights, one shooting star over a still sea."""
    base = Image.new("RGB", (WIDTH_PX, HEIGHT_PX))
    base.paste(paint_gradient([(0, (6, 10, 30)), (1, (22, 44, 82))], WIDTH_PX, 370), (0, 0))
    base.paste(paint_gradient([(0, (20, 42, 76)), (1, (5, 9, 26))], WIDTH_PX, 170), (0, 370))
    add_glow(base, 700, 120, 210, (170, 190, 220), 0.5)
    ImageDraw.Draw(base).ellipse((658, 78, 742, 162), fill=(244, 238, 216))
    for x, y, radius_px in ((684, 104, 18), (712, 132, 24), (718, 100, 11), (686, 138, 10)):
        add_glow(base, x, y, radius_px, (206, 200, 180), 0.9)
    xs = np.arange(WIDTH_PX)[None, :]
    ys = np.arange(370)[:, None]

    def draw(time_s: float, duration_s: float) -> Image.Image:
        fold = 150 + 46 * np.sin(xs / 120 + 0.5 * time_s) + 18 * np.sin(xs / 37 - 0.8 * time_s)
        curtain = np.exp(-np.clip(fold - ys, 0, None) / 90) * np.clip((fold + 14 - ys) / 28, 0, 1)
        curtain *= 0.6 + 0.4 * np.sin(xs / 23 + time_s)
        curtain *= np.clip(1 - xs / 620, 0, 1) * 0.75
        sky = np.asarray(base.crop((0, 0, WIDTH_PX, 370)), dtype=np.float64)
        sky = sky + curtain[..., None] * (np.array([90.0, 232.0, 170.0]) - sky)
        frame = base.copy()
        frame.paste(Image.fromarray(sky.clip(0, 255).astype(np.uint8)), (0, 0))
        draw_stars(frame, 340, time_s, seed=12, n=170)
        pen = ImageDraw.Draw(frame, "RGBA")
        for row in range(26):
            half = 8 + row * 2.2 + 6 * math.sin(2 * time_s + row)
            y = 376 + row * 6
            pen.line((700 - half, y, 700 + half, y), fill=(238, 232, 206, 150 - 4 * row), width=2)
        fall = (time_s - 0.55 * duration_s) / 0.8
        if 0 < fall < 1:
            tip_x, tip_y = 420 + 190 * fall, 60 + 80 * fall
            pen.line((tip_x - 50, tip_y - 21, tip_x, tip_y), fill=(255, 255, 255, int(230 * (1 - fall))), width=3)
        return frame

    return draw


def draw_storm(flash_s: Sequence[float]) -> Draw:
    """Return the dark tower in a storm: rain, high waves, lightning at the given times."""
    base = paint_gradient([(0, (26, 30, 40)), (0.6, (58, 66, 78)), (1, (30, 42, 52))], WIDTH_PX, HEIGHT_PX)
    rng = np.random.default_rng(20)
    for x, y, size in zip(rng.random(26) * WIDTH_PX, rng.random(26) * 150, 60 + rng.random(26) * 80, strict=True):
        add_glow(base, float(x), float(y), float(size), (82, 88, 100), 0.55)
    draw_cliff(base, [(560, 540), (690, 400), (800, 374), (960, 366)], (20, 22, 28), grain=21)
    draw_lighthouse(base, 790, 380, 270, is_lit=False)
    drops: NDArray[np.float64] = rng.random((150, 2))

    def draw(time_s: float, _duration_s: float) -> Image.Image:
        frame = base.copy()
        pen = ImageDraw.Draw(frame, "RGBA")
        if any(0 <= time_s - at_s < 0.25 for at_s in flash_s):
            frame = Image.blend(frame, Image.new("RGB", frame.size, (214, 222, 240)), 0.42)
            pen = ImageDraw.Draw(frame, "RGBA")
            pen.line(
                [(250, 0), (286, 92), (262, 120), (322, 226), (300, 250), (344, 372)],
                fill=(255, 255, 246, 255),
                width=5,
            )
        for depth, (tone, height) in enumerate((((52, 76, 88), 20), ((38, 60, 74), 26), ((24, 42, 56), 34))):
            xs = np.arange(0, WIDTH_PX + 12, 12)
            crest = 390 + 44 * depth + height * np.sin(xs / (70 + 22 * depth) + (1.6 + 0.4 * depth) * time_s + depth)
            points = [*zip(xs.tolist(), crest.tolist(), strict=True)]
            pen.polygon([*points, (WIDTH_PX, HEIGHT_PX), (0, HEIGHT_PX)], fill=(*tone, 255))
            pen.line(points, fill=(190, 206, 212, 130), width=3)
        for x, y in drops:
            left, top = (x * 1100 - 90 * time_s) % 1100 - 60, (y * 600 + 760 * time_s) % 600 - 30
            pen.line((left, top, left - 5, top + 24), fill=(200, 214, 226, 70), width=1)
        return frame

    return draw


def draw_end(title: str, line: str, credits: Sequence[str]) -> Draw:
    """Return the closing slide with small credits."""
    base = paint_gradient([(0, (24, 60, 84)), (1, (13, 26, 52))], WIDTH_PX, HEIGHT_PX)
    draw_cliff(base, [(0, 520), (200, 476), (420, 470), (640, 500), (960, 520)], (10, 16, 34), grain=30)
    for step in range(24):
        add_glow(base, 40 + 40 * step, 60 + 13 * step, 120, (120, 150, 190), 0.1)
    draw_lighthouse(base, 260, 478, 230, is_lit=False)

    def draw(time_s: float, _duration_s: float) -> Image.Image:
        frame = base.copy()
        draw_stars(frame, 460, time_s, seed=31, n=190)
        pen = ImageDraw.Draw(frame)
        pen.text((480, 150), title, font=load_font(48, "Serif-Bold"), fill=(255, 250, 240), anchor="ms")
        pen.text((480, 200), line, font=load_font(28), fill=(250, 220, 190), anchor="ms")
        for row, credit in enumerate(credits):
            pen.text((930, 470 + row * 22), credit, font=load_font(15, "Sans"), fill=(190, 200, 214), anchor="rs")
        return frame

    return draw
