// One video as the page shows it, and the list of all: plain, or as a timeline by days.

import { element, moment } from "./frame.js";
import { button, open, player } from "./media.js";

const STATES = { pending: "waiting", in_progress: "being rendered", ready: "ready", failed: "failed" };
const SHORT = 60;

export const nameOf = ({ prompt }) => (prompt.length > SHORT ? `${prompt.slice(0, SHORT)}…` : prompt);

// `act` has what a person may do: retry, remove.
export function shown(video, act) {
  const parts = [element("h3", video.prompt), element("small", `${video.seconds} seconds, ${video.priority} priority`)];
  if (video.url) parts.push(player(video, `Video of “${nameOf(video)}”, without sound`));
  if (video.status === "failed") parts.push(element("p", video.error));
  else if (video.error) parts.push(element("small", video.error));
  const tools = document.createElement("p");
  tools.className = "actions";
  if (video.status === "failed") tools.append(button("Try again", () => act.retry(video)), " ");
  tools.append(button(open(video.status) ? "Cancel this video" : "Delete this video", () => act.remove(video)));
  parts.push(tools);
  return parts;
}

function line(video, choose) {
  const made = document.createElement("li"), chosen = button("", () => choose(video));
  chosen.className = "";
  chosen.append(nameOf(video), element("small", `${STATES[video.status]}, ${moment(video.created_at)}`));
  made.append(chosen);
  return made;
}

const dayOf = ({ created_at }) => new Date(created_at).toLocaleDateString([], { dateStyle: "full" });

function day(name, videos, choose) {
  const made = document.createElement("li"), list = document.createElement("ol");
  list.append(...videos.map((video) => line(video, choose)));
  made.append(element("h3", name), list);
  return made;
}

export function listed(videos, choose, timeline) {
  if (!timeline) return videos.map((video) => line(video, choose));
  const days = [...new Set(videos.map(dayOf))];
  return days.map((name) => day(name, videos.filter((video) => dayOf(video) === name), choose));
}
