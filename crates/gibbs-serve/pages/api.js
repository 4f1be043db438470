// Requests to the server, and the arrays in them.

async function answer(response) {
  const found = await response.json().catch(() => ({ error: `the server answered ${response.status}` }));
  if (!response.ok) throw Object.assign(new Error(found.error), { status: response.status });
  return found;
}

/** What the server knows at an address. */
export const get = async (path) => answer(await fetch(path));

/** What the server answers to a request in JSON. */
export async function post(path, request) {
  const headers = { "content-type": "application/json" };
  return answer(await fetch(path, { method: "POST", headers, body: JSON.stringify(request) }));
}

/** The address of a run in the API. */
export const ofRun = (id) => `/api/runs/${encodeURIComponent(id)}`;

/** Bytes as base64. */
export function encode(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

/** Bytes of base64. */
export const decode = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Real numbers of base64. */
export const floats = (text) => new Float32Array(decode(text).buffer);
