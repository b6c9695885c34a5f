// The page's only script: send the form, watch the job, show the text. Text from outside is only ever set as text.

const at = (id) => document.getElementById(id);
const form = at("form");
const WORDS = {
  pending: "Waiting for a writer.",
  in_progress: "Being written.",
  completed: "Done.",
  failed: "This text could not be written.",
  cancelled: "Cancelled.",
  expired: "Nobody began this in time; please send it again.",
};
const FINAL = new Set(["completed", "failed", "cancelled", "expired"]);
let current = null;

// crypto.randomUUID exists on secure origins only; the page must work on a plain http://host in a test network too.
function unique() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function credentials() {
  const key = at("key").value.trim();
  return key ? { "X-API-Key": key } : {};
}

async function call(method, path, body, headers = {}) {
  let reply;
  try {
    reply = await fetch(path, {
      method,
      headers: { ...credentials(), ...headers, ...(body ? { "Content-Type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined,
    });
  } catch {
    throw { detail: "The service cannot be reached. Check your connection and try again.", errors: [] };
  }
  const json = reply.status === 204 ? {} : await reply.json().catch(() => ({}));
  if (reply.ok) return json;
  const wait = reply.headers.get("Retry-After");
  const known = {
    401: "An API key is needed here, and this one is missing or not valid. Open “Access” to enter it.",
    429: `That was a lot at once. Try again in ${wait ?? "a few"} seconds.`,
    503: "The service is not available right now. Nothing was lost; try again shortly.",
  };
  throw { status: reply.status, detail: known[reply.status] ?? json.detail ?? "Something went wrong.", errors: json.errors ?? [] };
}

function showProblem(text) {
  at("problem").textContent = text ?? "";
  at("problem").hidden = !text;
}

function markField(name, text) {
  const field = at(name), note = at(`${name}-error`);
  field.setAttribute("aria-invalid", text ? "true" : "false");
  note.textContent = text ?? "";
  note.hidden = !text;
}

function request() {
  const data = new FormData(form);
  const keywords = data.get("keywords").split(",").map((word) => word.trim()).filter(Boolean);
  const topic = data.get("topic").trim();
  markField("topic", topic.length < 3 ? "Please name a topic of at least three letters." : null);
  const long = keywords.find((word) => word.length > 60);
  markField("keywords", keywords.length > 12 ? "At most 12 keywords, please." : long ? `“${long}” is longer than 60 letters.` : null);
  const wrong = form.querySelector("[aria-invalid=true]");
  if (wrong) { wrong.focus(); return null; }
  const client = data.get("client_id").trim() || "guest";
  return { topic, keywords, content_type: data.get("content_type"), priority: data.get("priority"), client_id: client };
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  showProblem(null);
  const body = request();
  if (!body) return;
  remember();
  at("submit").disabled = true;
  try {
    const { job_id } = await call("POST", "/generate", body, { "Idempotency-Key": unique() });
    at("result").focus();
    watch(job_id);
    listJobs();
  } catch (problem) {
    showProblem(problem.detail);
    for (const { field, message } of problem.errors) {
      const name = field.split(".")[1];
      if (name === "topic" || name === "keywords") markField(name, message);
    }
    if (problem.status === 401) { at("access").open = true; at("key").focus(); }
  } finally {
    at("submit").disabled = false;
  }
});

function watch(id) {
  current = id;
  showText(null);
  update({ job_id: id, status: "pending", progress: 0 });
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws/jobs/${id}`);
  let over = false;
  socket.onopen = () => socket.send(JSON.stringify({ token: at("key").value.trim() || null }));
  socket.onmessage = ({ data }) => {
    const job = JSON.parse(data);
    over = FINAL.has(job.status);
    if (current !== id) return socket.close();
    update(job);
    if (over) finish(id);
  };
  socket.onclose = () => { if (!over && current === id) poll(id); };
}

async function poll(id) {
  if (current !== id) return;
  try {
    const job = await call("GET", `/status/${id}`);
    if (current !== id) return;
    update(job);
    if (FINAL.has(job.status)) return finish(id);
  } catch (problem) {
    showProblem(problem.detail);
    if (problem.status === 401 || problem.status === 404) return;
  }
  setTimeout(() => poll(id), 2000);
}

function update(job) {
  at("status").textContent = job.waits_for ?? WORDS[job.status] ?? job.status;
  at("progress").value = job.progress;
  at("work").hidden = FINAL.has(job.status);
}

async function finish(id) {
  try {
    const job = await call("GET", `/status/${id}`);
    if (current !== id) return;
    update(job);
    if (job.status === "failed") showProblem(job.error?.message ?? "No reason was given.");
    showText(job);
  } catch (problem) {
    showProblem(problem.detail);
  }
  listJobs();
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function showText(job) {
  const article = at("text"), result = job?.result;
  article.replaceChildren();
  article.hidden = at("tools").hidden = !result;
  if (!result) return;
  const paragraphs = (text) => text.split("\n\n").filter(Boolean).map((part) => element("p", part));
  if (result.content_type === "blog") article.append(element("h3", result.title));
  article.append(...paragraphs(result.introduction));
  for (const section of result.sections) article.append(element("h4", section.title), ...paragraphs(section.body));
  article.append(...paragraphs(result.conclusion));
  if (result.hashtags.length) article.append(element("p", result.hashtags.join(" ")));
  const words = article.textContent.split(/\s+/).length;
  at("facts").textContent = `${words} words, written by ${job.model} in ${job.attempt === 1 ? "one attempt" : `${job.attempt} attempts`}`;
}

function markdown() {
  const marks = { H3: "# ", H4: "## ", P: "" };
  return [...at("text").children].map((part) => marks[part.tagName] + part.textContent).join("\n\n") + "\n";
}

at("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(markdown());
    at("status").textContent = "Copied.";
  } catch {
    showProblem("The browser did not allow copying; select the text and copy it by hand.");
  }
});

at("download").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([markdown()], { type: "text/markdown" }));
  link.download = `${current}.md`;
  link.click();
  URL.revokeObjectURL(link.href);
});

at("cancel").addEventListener("click", async () => {
  try {
    update(await call("DELETE", `/jobs/${current}`));
    listJobs();
  } catch (problem) {
    if (problem.status !== 409) showProblem(problem.detail);
  }
});

async function listJobs() {
  const client = at("client").value.trim() || "guest";
  try {
    const { jobs } = await call("GET", `/jobs?limit=20&client_id=${encodeURIComponent(client)}`);
    at("empty").hidden = jobs.length > 0;
    at("jobs").replaceChildren(...jobs.map(entry));
  } catch (problem) {
    if (problem.status !== 401) showProblem(problem.detail);
  }
}

function entry(job) {
  const line = document.createElement("li"), button = element("button", job.topic);
  button.type = "button";
  const when = new Date(job.created_at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  button.append(element("small", `${job.content_type === "blog" ? "Blog post" : "Social post"}, ${job.status.replace("_", " ")}, ${when}`));
  button.addEventListener("click", () => { showProblem(null); watch(job.job_id); at("result").focus(); });
  line.append(button);
  return line;
}

function remember() {
  localStorage.setItem("client", at("client").value.trim());
  sessionStorage.setItem("key", at("key").value.trim());
}

at("client").value = localStorage.getItem("client") || `guest-${unique().slice(0, 8)}`;
at("key").value = sessionStorage.getItem("key") ?? "";
at("key").addEventListener("change", () => { remember(); listJobs(); });
at("client").addEventListener("change", () => { remember(); listJobs(); });
remember();
listJobs();
