// Who the page speaks for: a session made from an API key, kept until the tab closes; or, where no key is asked for, a
// guest by a name of chance.

const SESSION = "session", GUEST = "guest";
// Where the service is on the page's own host.
const API = document.documentElement.dataset.api ?? "";
let renewal = null;

// crypto.randomUUID exists on secure origins only; the page must work on a plain http://host in a test network too.
export function unique() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const credentials = () => sessionStorage.getItem(SESSION);

// What a request says of its client: nothing with a session, which says it itself.
export function guest() {
  if (credentials()) return {};
  if (!localStorage.getItem(GUEST)) localStorage.setItem(GUEST, `guest-${unique().slice(0, 12)}`);
  return { client_id: localStorage.getItem(GUEST) };
}

const PROBLEMS = {
  401: "You are not signed in.",
  503: "The service is not available right now. Nothing that was accepted is lost; try again shortly.",
};

export async function call(method, path, body, headers = {}) {
  const own = credentials() ? { Authorization: `Bearer ${credentials()}` } : {};
  let reply;
  try {
    reply = await fetch(API + path, {
      method,
      headers: { ...own, ...headers, ...(body ? { "Content-Type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined,
    });
  } catch {
    throw { detail: "The service cannot be reached. Check your connection and try again.", errors: [] };
  }
  const json = reply.status === 204 ? {} : await reply.json().catch(() => ({}));
  if (reply.ok) return json;
  const wait = Number(reply.headers.get("Retry-After"));
  const known = json.code === "feature_disabled" ? json.detail : PROBLEMS[reply.status];
  const detail = reply.status === 429 ? `That was a lot at once. Try again in ${wait || "a few"} seconds.` : known;
  throw { status: reply.status, wait, detail: detail ?? json.detail ?? "Something went wrong.", errors: json.errors ?? [] };
}

// Who is here, and whether a key is needed; a session that has ended is forgotten.
export async function start() {
  try {
    const access = await call("GET", "/sessions");
    if (access.client_id) renewLater(60);
    return access;
  } catch (problem) {
    if (problem.status !== 401 || !credentials()) throw problem;
    sessionStorage.removeItem(SESSION);
    return start();
  }
}

// A key, or a session that somebody made elsewhere. Gives the client's name.
export async function signIn(key) {
  sessionStorage.removeItem(SESSION);
  if (!key.startsWith("cg_")) sessionStorage.setItem(SESSION, key);
  try {
    return await renew(key.startsWith("cg_") ? { "X-API-Key": key } : {});
  } catch (problem) {
    sessionStorage.removeItem(SESSION);
    throw problem;
  }
}

export async function signOut() {
  clearTimeout(renewal);
  await call("DELETE", "/sessions").catch(() => {});
  sessionStorage.removeItem(SESSION);
}

async function renew(headers = {}) {
  const { token, expires_in, client_id } = await call("POST", "/sessions", null, headers);
  sessionStorage.setItem(SESSION, token);
  renewLater(expires_in * 0.8);
  return client_id;
}

function renewLater(seconds) {
  clearTimeout(renewal);
  // When it cannot be renewed, the next request says so in words.
  renewal = setTimeout(() => renew().catch(() => {}), seconds * 1000);
}
