/* Speaks to the REST API: JSON, event streams, uploads, and the key when the server wants one. It knows no element of the page. */

const KEY = "kinograph.key";
const NO_SERVER = {
  title: "The server does not answer",
  remedy: "Check that kinograph serve is running, then try again.",
};

/** An error as the server's problem+json tells it; `remedy` says what to do. */
export class ApiError extends Error {
  constructor(status, problem = {}) {
    super(problem.detail || problem.title || `The server answered ${status}`);
    this.status = status;
    this.remedy = problem.remedy ?? "";
  }
}

let askForKey = async () => null;
/** Set what to call on a 401; it returns the key that a person typed. */
export const onKeyNeeded = (listener) => {
  let asking = null;
  askForKey = (isWrong) => {
    asking ??= listener(isWrong).finally(() => { asking = null; });
    return asking;
  };
};

const currentKey = () => sessionStorage.getItem(KEY);
const authorization = () => (currentKey() ? { Authorization: `Bearer ${currentKey()}` } : {});

async function problemOf(response) {
  try {
    return new ApiError(response.status, await response.json());
  } catch {
    return new ApiError(response.status, { title: response.statusText });
  }
}

/** Send a request, asking for the key as often as it is refused; return the response, or throw an ApiError. */
async function send(path, { body, headers, ...options } = {}) {
  const json = body === undefined ? {} : { "Content-Type": "application/json" };
  for (;;) {
    const key = currentKey();
    let response;
    try {
      response = await fetch(path, {
        ...options,
        headers: { ...json, ...headers, ...authorization() },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError(0, NO_SERVER);
    }
    if (response.ok) return response;
    if (response.status !== 401) throw await problemOf(response);
    if (key === currentKey()) sessionStorage.setItem(KEY, await askForKey(Boolean(key)));
  }
}

/** Return the JSON that a request is answered with; null for an answer without. */
export async function request(path, options) {
  const response = await send(path, options);
  try {
    return response.status === 204 ? null : await response.json();
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error.name === "AbortError" ? error : new ApiError(0, NO_SERVER);
  }
}

/** Yield `{event, data}` of a server-sent event stream, data parsed from JSON (WHATWG HTML §9.2.6). */
export async function* stream(path, options) {
  const response = await send(path, { ...options, headers: { Accept: "text/event-stream" } });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      buffer += value.replaceAll("\r\n", "\n");
      const blocks = buffer.split("\n\n");
      buffer = blocks.pop();
      for (const block of blocks) {
        const message = parseEvent(block);
        if (message) yield message;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parseEvent(block) {
  let event = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  return data.length ? { event, data: JSON.parse(data.join("\n")) } : null;
}

/** Return the address with the key attached, for elements that cannot send headers. */
export function mediaUrl(path) {
  const key = currentKey();
  return key ? `${path}${path.includes("?") ? "&" : "?"}key=${encodeURIComponent(key)}` : path;
}

/**
 * Upload one file as a video; `onProgress(share)` follows the bytes that left.
 * XMLHttpRequest, because fetch does not tell how much of a body was sent. Returns `{done, abort}`.
 */
export function upload(file, onProgress) {
  const form = new FormData();
  form.append("file", file, file.name);
  let request;
  const attempt = () => new Promise((resolve, reject) => {
    request = new XMLHttpRequest();
    request.open("POST", "/v1/videos");
    request.responseType = "json";
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => { if (event.lengthComputable) onProgress(event.loaded / event.total); };
    request.onload = () => {
      if (request.status < 300) resolve(request.response);
      else reject(new ApiError(request.status, request.response ?? {}));
    };
    request.onerror = () => reject(new ApiError(0, {
      title: "The upload was cut off",
      remedy: "Check that the server is running and has room for the file, then add it again.",
    }));
    request.onabort = () => reject(new DOMException("aborted", "AbortError"));
    request.send(form);
  });
  const done = attempt().catch(async (error) => {
    if (error.status !== 401) throw error;
    sessionStorage.setItem(KEY, await askForKey(Boolean(currentKey())));
    return attempt();
  });
  return { done, abort: () => request.abort() };
}
