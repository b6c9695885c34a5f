// The page's script: a person describes a scene, watches how far its video is, plays it, and sees the earlier ones.

import { at, markField, run, showProblem } from "./frame.js";
import { open } from "./media.js";
import { patiently, wait } from "./patience.js";
import { call } from "./session.js";
import { listed, nameOf, shown } from "./video.js";

const PAGE = 50, ASK_EVERY = 0.7;
const form = at("form");
let videos = [], chosen = null, turn = 0, loading = 0, complete = true, flags = {};

function say(text) {
  showProblem(null);
  at("status").textContent = text;
}

function draw() {
  const timeline = Boolean(flags["new-timeline-ui"]);
  at("videos").classList.toggle("timeline", timeline);
  at("videos").replaceChildren(...listed(videos, choose, timeline));
  at("more").hidden = complete;
}

function show() {
  at("video").hidden = !chosen;
  at("video").replaceChildren(...(chosen ? shown(chosen, act) : []));
}

function showProgress() {
  const working = chosen?.status === "in_progress";
  at("work").hidden = !working;
  at("percent").value = working ? chosen.percent : 0;
  at("percent-text").textContent = working ? `${chosen.percent} %` : "";
}

// Puts a video as it is stored now into the list.
function put(video) {
  const known = videos.findIndex((one) => one.id === video.id);
  if (known < 0) videos.unshift(video);
  else videos[known] = video;
  draw();
}

async function load(older = false) {
  const own = ++loading, mine = () => own === loading;
  try {
    const before = older ? `?before=${videos.at(-1).id}` : "";
    const found = await patiently(mine, () => call("GET", `/videos${before}`));
    if (!found) return;
    const known = new Set(found.map((one) => one.id));
    const later = videos.filter((one) => !known.has(one.id) && (older || one.id > (found[0]?.id ?? "")));
    videos = older ? [...videos, ...found] : [...later, ...found];
    complete = found.length < PAGE;
    draw();
    if (!videos.length) say("There is no video yet. Describe a scene.");
  } catch (problem) {
    if (mine()) showProblem(problem);
  }
}

async function begin() {
  try {
    flags = (await patiently(() => true, () => call("GET", "/flags"))).flags;
    at("off").hidden = flags["ai-video-generation"];
    at("submit").disabled = !flags["ai-video-generation"];
    await load();
  } catch (problem) {
    showProblem(problem);
  }
}

// Follows a video until it has ended or another one is looked at.
async function choose(video) {
  const own = ++turn, mine = () => own === turn;
  chosen = video;
  say("");
  show();
  at("result").focus();
  try {
    await follow(mine);
  } catch (problem) {
    if (mine()) showProblem(problem);
  }
}

async function follow(mine) {
  let before = "";
  while (mine()) {
    const found = await patiently(mine, () => call("GET", `/videos/${chosen.id}`));
    if (!found || !mine()) return;
    chosen = found;
    showProgress();
    const state = found.status + found.error;
    // Drawn again only when something is new: a person may be at a button.
    if (before !== state) {
      put(found);
      show();
      tell(found);
    }
    before = state;
    if (!open(found.status)) return;
    await wait(ASK_EVERY);
  }
}

function tell({ status }) {
  say({ pending: "The video waits for its turn.", in_progress: "The video is being rendered.",
    ready: "The video is ready.", failed: "There is no video." }[status]);
}

async function order(body) {
  const own = ++turn, mine = () => own === turn;
  const accepted = await patiently(mine, () => call("POST", "/generate", body));
  if (!accepted) return;
  const video = { id: accepted.id, status: "pending", percent: 0, created_at: new Date().toISOString(), ...body };
  put(video);
  choose(video);
}

const act = {
  retry: async ({ prompt, seconds, priority }) => {
    try {
      await order({ prompt, seconds, priority });
    } catch (problem) {
      showProblem(problem);
    }
  },
  remove: async (video) => {
    const cancelled = open(video.status);
    if (!cancelled && !confirm(`Delete “${nameOf(video)}”?`)) return;
    turn++;
    try {
      await call("DELETE", `/videos/${video.id}`);
      videos = videos.filter((one) => one.id !== video.id);
      chosen = null;
      draw();
      show();
      showProgress();
      say(`${cancelled ? "Cancelled" : "Deleted"} “${nameOf(video)}”.`);
      at("result").focus();
    } catch (problem) {
      showProblem(problem);
    }
  },
};

function wrong(prompt, seconds) {
  markField("prompt", null);
  markField("seconds", null);
  if (!prompt) markField("prompt", "Please describe what is to be seen.");
  else if (!(Number.isInteger(seconds) && seconds >= 2 && seconds <= 10)) {
    markField("seconds", "Please give a number from 2 to 10.");
    return "seconds";
  } else return null;
  return "prompt";
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const prompt = at("prompt").value.trim(), seconds = at("seconds").valueAsNumber;
  const field = wrong(prompt, seconds);
  if (field) return at(field).focus();
  at("submit").disabled = true;
  try {
    await order({ prompt, seconds, priority: new FormData(form).get("priority") });
  } catch (problem) {
    showProblem(problem);
    // Of several problems of a field the first is the cause of the others.
    for (const { field: name, message } of (problem.errors ?? []).toReversed()) {
      const part = name.split(".")[1];
      if (part === "prompt" || part === "seconds") markField(part, message);
    }
  } finally {
    at("submit").disabled = false;
  }
});

at("more").addEventListener("click", () => load(true));

run(begin, () => { turn++; videos = []; chosen = null; draw(); show(); showProgress(); });
