// Jobs whose result is a video, as pages show them.

import { element } from "./frame.js";

export const open = (status) => status === "pending" || status === "in_progress";

export function button(text, act) {
  const made = element("button", text);
  made.type = "button";
  made.className = "quiet";
  made.addEventListener("click", act);
  return made;
}

// The file's address is signed for its video and is this page's own origin, so a player may load it; where there is none,
// the video can be downloaded from the bucket.
export function player({ file, url }, label) {
  if (!file) {
    const link = element("a", "Download the video");
    link.href = url;
    return link;
  }
  const made = document.createElement("video");
  made.controls = true;
  made.preload = "metadata";
  made.src = file;
  made.setAttribute("aria-label", label);
  return made;
}
