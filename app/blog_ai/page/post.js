// What blog-ai shows beside a text: the picture that was asked for, and the web pages that were found for its topic.

import { at, element } from "./frame.js";
import { call, credentials } from "./session.js";

document.addEventListener("began", async () => {
  const { enabled } = await call("GET", "/pictures").catch(() => ({ enabled: false }));
  at("choices").hidden = !enabled;
});

document.addEventListener("shown", ({ detail: job }) => {
  const { research, sources = [], picture } = job?.result ?? {};
  at("drawing").hidden = true;
  at("missing").textContent = [
    research === "unavailable" ? "The web could not be searched, so this post has no sources." : "",
    picture === "unavailable" ? "The picture could not be made." : "",
  ].join(" ").trim();
  if (sources.length) at("text").append(element("h4", "Sources"), ...sources.map(source));
  if (picture === "done") draw(job);
});

function source({ title, url }) {
  const line = element("p", ""), link = element("a", title);
  link.href = url;
  link.rel = "noopener noreferrer nofollow";
  line.append(link, `, ${url}`);
  return line;
}

// The file is fetched with the session and drawn: an <img> can send none, and the page may show nothing but its own files.
async function draw({ job_id, topic }) {
  const canvas = at("drawing");
  canvas.dataset.job = job_id;
  const own = credentials() ? { Authorization: `Bearer ${credentials()}` } : {};
  try {
    const reply = await fetch(`/pictures/${job_id}`, { headers: own });
    if (!reply.ok) throw new Error(reply.status);
    const drawn = await createImageBitmap(await reply.blob());
    if (canvas.dataset.job !== job_id) return;
    canvas.width = drawn.width;
    canvas.height = drawn.height;
    canvas.getContext("2d").drawImage(drawn, 0, 0);
    canvas.setAttribute("aria-label", `Picture for ${topic}`);
    canvas.hidden = false;
  } catch {
    at("missing").textContent = "The picture cannot be shown right now.";
  }
}
