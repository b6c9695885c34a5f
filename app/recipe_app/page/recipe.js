// One recipe as the page shows it, with its video.

import { element, moment } from "./frame.js";
import { button, open, player } from "./media.js";

export const nameOf = (recipe) => recipe.title ?? recipe.wanted.join(", ");

const STATES = {
  pending: "waiting", in_progress: "being written", ready: "ready", failed: "failed",
  archived: "archived: its text is older than half a year",
};

function amounts(recipe) {
  const list = document.createElement("ul");
  for (const { name, amount } of recipe.ingredients) {
    const line = document.createElement("li");
    line.append(element("b", amount), ` ${name}`);
    list.append(line);
  }
  return list;
}

function steps(recipe) {
  const list = document.createElement("ol");
  list.append(...recipe.steps.map((step) => element("li", step)));
  return list;
}

function videoLine(recipe, video, act) {
  if (video?.url) return player(video, `Video of ${nameOf(recipe)}, without sound; it shows the text above`);
  if (open(recipe.video)) return element("p", "The video is being made.");
  if (recipe.video === "failed") {
    const line = element("p", `${video?.error ?? "There is no video."} `);
    line.append(button("Try again", () => act.film(recipe)));
    return line;
  }
  return button("Make a video", () => act.film(recipe));
}

// `act` has what a person may do: film, remove.
export function shown(recipe, video, act) {
  const parts = [element("h3", nameOf(recipe))];
  const about = [`${recipe.servings} serving${recipe.servings > 1 ? "s" : ""}`, recipe.diet?.replace("_", "-"),
    recipe.minutes && `${recipe.minutes} minutes`, recipe.complexity].filter(Boolean).join(", ");
  parts.push(element("small", about));
  if (recipe.status === "ready") {
    parts.push(element("h4", "Ingredients"), amounts(recipe), element("h4", "Steps"), steps(recipe));
    if (recipe.note) parts.push(element("small", recipe.note));
    parts.push(videoLine(recipe, video, act));
  } else if (recipe.error) {
    parts.push(element("p", recipe.error));
  }
  const tools = document.createElement("p");
  tools.append(button("Delete this recipe", () => act.remove(recipe)));
  parts.push(tools);
  return parts;
}

export function listed(recipe, choose) {
  const line = document.createElement("li"), made = button("", () => choose(recipe));
  made.className = "";
  made.append(nameOf(recipe), element("small", `${STATES[recipe.status]}, ${moment(recipe.created_at)}`));
  line.append(made);
  return line;
}
