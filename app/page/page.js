// The page's only script: sign in, send the form, watch the job, show the text. Text from outside is only set as text.

import { at, element, markField, moment, run, showProblem } from "./frame.js";
import { call, credentials, guest, unique } from "./session.js";

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
let current = null, shown = null, oldest = null;
// The key of the form as it stands: an answer that was lost is found again by it, and nothing is made twice.
let formKey = unique();

function request() {
  const data = new FormData(form);
  const keywords = data.get("keywords").split(",").map((word) => word.trim()).filter(Boolean);
  const topic = data.get("topic").trim();
  markField("topic", topic.length < 3 ? "Please name a topic of at least three letters." : null);
  const long = keywords.find((word) => word.length > 60);
  markField("keywords", keywords.length > 12 ? "At most 12 keywords, please." : long ? `“${long}” is longer than 60 letters.` : null);
  const wrong = form.querySelector("[aria-invalid=true]");
  if (wrong) { wrong.focus(); return null; }
  return { topic, keywords, content_type: data.get("content_type"), priority: data.get("priority"), ...choices() };
}

// A product's form may have boxes beside these fields.
const choices = () => Object.fromEntries([...form.querySelectorAll("[type=checkbox]:checked")].map(({ name }) => [name, true]));

// A product's own script may add to what is shown.
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

async function send(body, key) {
  showProblem(null);
  at("submit").disabled = true;
  try {
    const { job_id } = await call("POST", "/generate", { ...body, ...guest() }, { "Idempotency-Key": key });
    formKey = unique();
    at("result").focus();
    watch(job_id);
    listJobs();
  } catch (problem) {
    showProblem(problem);
    for (const { field, message } of problem.errors ?? []) {
      const name = field.split(".")[1];
      if (name === "topic" || name === "keywords") markField(name, message);
    }
    if (problem.status === 429) return restUntil(Date.now() + 1000 * (problem.wait || 5));
  }
  at("submit").disabled = false;
}

// Whoever was refused for asking too often cannot ask again before the service would answer (Retry-After).
function restUntil(moment) {
  const left = Math.ceil((moment - Date.now()) / 1000), text = at("submit").dataset.text ??= at("submit").textContent;
  at("submit").disabled = left > 0;
  at("submit").textContent = left > 0 ? `Wait ${left} s` : text;
  if (left > 0) setTimeout(() => restUntil(moment), 1000);
}

form.addEventListener("input", () => { formKey = unique(); });
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const body = request();
  if (body) send(body, formKey);
});

function watch(id) {
  current = id;
  showJob(null);
  update({ job_id: id, status: "pending", progress: 0 });
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws/jobs/${id}`);
  let over = false;
  socket.onopen = () => socket.send(JSON.stringify({ token: credentials() }));
  socket.onmessage = ({ data }) => {
    const job = JSON.parse(data);
    over = FINAL.has(job.status);
    if (current !== id) return socket.close();
    update(job);
    if (over) poll(id);
  };
  socket.onclose = () => { if (!over && current === id) poll(id); };
}

// A replica may be behind what the socket said, so the answer counts only when it says that the job has ended.
async function poll(id, wait = 1000) {
  if (current !== id) return;
  try {
    const job = await call("GET", `/status/${id}`);
    if (current !== id) return;
    showProblem(null);
    update(job);
    if (FINAL.has(job.status)) { showJob(job); return listJobs(); }
  } catch (problem) {
    showProblem(problem);
    if (problem.status === 401 || problem.status === 404) return;
    wait = Math.max(wait, 1000 * (problem.wait ?? 0));
  }
  setTimeout(() => poll(id, Math.min(wait * 1.5, 15000)), wait);
}

function update(job) {
  at("status").textContent = job.waits_for ?? WORDS[job.status] ?? job.status;
  at("progress").value = job.progress;
  at("work").hidden = FINAL.has(job.status);
}

function showJob(job) {
  const article = at("text"), result = job?.result;
  shown = job;
  article.replaceChildren();
  at("tools").hidden = !job;
  article.hidden = at("copy").hidden = at("download").hidden = !result;
  at("sample").hidden = !(result && job.provider === "embedded");
  at("facts").textContent = "";
  if (job?.status === "failed" || job?.status === "expired") showProblem({ detail: job.error?.message ?? WORDS[job.status] });
  if (!result) return tell("shown", job);
  const paragraphs = (text) => text.split("\n\n").filter(Boolean).map((part) => element("p", part));
  if (result.content_type === "blog") article.append(element("h3", result.title));
  article.append(...paragraphs(result.introduction));
  for (const section of result.sections) article.append(element("h4", section.title), ...paragraphs(section.body));
  article.append(...paragraphs(result.conclusion));
  if (result.hashtags.length) article.append(element("p", result.hashtags.join(" ")));
  const words = article.textContent.split(/\s+/).length;
  at("facts").textContent = `${words} words, ${moment(job.finished_at)}, written by ${job.model}`;
  tell("shown", job);
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
    showProblem({ detail: "The browser did not allow copying; select the text and copy it by hand." });
  }
});

at("download").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([markdown()], { type: "text/markdown" }));
  link.download = `${current}.md`;
  link.click();
  URL.revokeObjectURL(link.href);
});

at("retry").addEventListener("click", () => {
  const { topic, keywords, content_type, priority, result } = shown;
  const again = result?.picture ? { picture: true } : {};
  send({ topic, keywords, content_type, priority, ...again, fresh: true }, unique());
});

at("cancel").addEventListener("click", () => change("POST", `/cancel/${current}`, (job) => { update(job); showJob(job); }));
at("delete").addEventListener("click", () => change("DELETE", `/jobs/${current}`, () => {
  current = null;
  showJob(null);
  at("status").textContent = "Deleted.";
}));

async function change(method, path, then) {
  try {
    then(await call(method, path));
    listJobs();
  } catch (problem) {
    if (problem.status !== 409) showProblem(problem);
  }
}

async function listJobs(before = null) {
  const query = new URLSearchParams({ limit: 20, ...guest(), ...(before ? { before } : {}) });
  try {
    const { jobs, next } = await call("GET", `/jobs?${query}`);
    if (!before) at("jobs").replaceChildren();
    at("jobs").append(...jobs.map(entry));
    at("empty").hidden = at("jobs").children.length > 0;
    oldest = next;
    at("more").hidden = !next;
  } catch (problem) {
    showProblem(problem);
  }
}

at("more").addEventListener("click", () => listJobs(oldest));

function entry(job) {
  const line = document.createElement("li"), button = element("button", job.topic);
  button.type = "button";
  const kind = job.content_type === "blog" ? "Blog post" : "Social post";
  button.append(element("small", `${kind}, ${job.status.replace("_", " ")}, ${moment(job.created_at)}`));
  button.addEventListener("click", () => { showProblem(null); watch(job.job_id); at("result").focus(); });
  line.append(button);
  return line;
}

run(() => { listJobs(); tell("began"); }, () => {
  current = null;
  showJob(null);
});
