// The page's script: a person names ingredients, waits for the recipe and its video, and sees the earlier ones.

import { at, markField, run, showProblem } from "./frame.js";
import { open } from "./media.js";
import { patiently, wait } from "./patience.js";
import { listed, nameOf, shown } from "./recipe.js";
import { call } from "./session.js";

const PAGE = 50, ASK_EVERY = 700;
const form = at("form");
let recipes = [], chosen = null, video = null, turn = 0, loading = 0, complete = true;

function say(text) {
  showProblem(null);
  at("status").textContent = text;
}

function draw() {
  at("recipes").replaceChildren(...recipes.map((recipe) => listed(recipe, choose)));
  at("more").hidden = complete;
}

function show() {
  at("recipe").hidden = !chosen;
  at("recipe").replaceChildren(...(chosen ? shown(chosen, video, act) : []));
}

// Puts a recipe as it is stored now into the list.
function put(recipe) {
  const known = recipes.findIndex((one) => one.id === recipe.id);
  if (known < 0) recipes.unshift(recipe);
  else recipes[known] = recipe;
  draw();
}

async function load(older = false) {
  const own = ++loading, mine = () => own === loading;
  try {
    const before = older ? `?before=${recipes.at(-1).id}` : "";
    const found = await patiently(mine, () => call("GET", `/recipes${before}`));
    if (!found) return;
    const known = new Set(found.map((one) => one.id));
    const later = recipes.filter((one) => !known.has(one.id) && (older || one.id > (found[0]?.id ?? "")));
    recipes = older ? [...recipes, ...found] : [...later, ...found];
    complete = found.length < PAGE;
    draw();
    if (!recipes.length) say("There is no recipe yet. Name some ingredients.");
  } catch (problem) {
    if (mine()) showProblem(problem);
  }
}

// Follows a recipe, then its video if there is one, until both have ended or another recipe is looked at.
async function choose(recipe, text = "") {
  const own = ++turn, mine = () => own === turn;
  chosen = recipe;
  video = null;
  show();
  say(text);
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
    const found = await patiently(mine, () => call("GET", `/recipes/${chosen.id}`));
    if (!found || !mine()) return;
    const filmed = found.video && !open(found.video);
    const film = filmed ? await patiently(mine, () => call("GET", `/recipes/${chosen.id}/video`)) : null;
    if (!mine()) return;
    chosen = found;
    video = film;
    put(found);
    // Drawn again only when something is new: a person may be at a button.
    if (before !== found.status + found.video) show();
    if (before !== found.status + found.video) tell(found);
    before = found.status + found.video;
    if (!open(found.status) && !open(found.video)) return;
    await wait(ASK_EVERY / 1000);
  }
}

function tell({ status, video: film }) {
  if (open(status)) say("The recipe is being written.");
  else if (status === "failed") say("There is no recipe.");
  else if (open(film)) say("The video is being made.");
  else if (film === "ready") say("The recipe and its video are ready.");
  else if (film === "failed") say("The recipe is ready; its video could not be made.");
  else say("The recipe is ready.");
}

const act = {
  film: async (recipe) => {
    const own = ++turn, mine = () => own === turn;
    try {
      await patiently(mine, () => call("POST", `/recipes/${recipe.id}/video`));
      if (mine()) await choose(recipe, "The video is being made.");
    } catch (problem) {
      if (mine()) showProblem(problem);
    }
  },
  remove: async (recipe) => {
    if (!confirm(`Delete “${nameOf(recipe)}” and its video?`)) return;
    turn++;
    try {
      await call("DELETE", `/recipes/${recipe.id}`);
      recipes = recipes.filter((one) => one.id !== recipe.id);
      chosen = null;
      draw();
      show();
      say(`Deleted “${nameOf(recipe)}”.`);
      at("result").focus();
    } catch (problem) {
      showProblem(problem);
    }
  },
};

function named() {
  return at("ingredients").value.split(/[,\n]/).map((name) => name.trim()).filter(Boolean);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const ingredients = named(), servings = at("servings").valueAsNumber;
  markField("ingredients", ingredients.length ? null : "Please name at least one ingredient.");
  markField("servings", Number.isInteger(servings) ? null : "Please give a number from 1 to 20.");
  if (!ingredients.length) return at("ingredients").focus();
  if (!Number.isInteger(servings)) return at("servings").focus();
  const diet = at("diet").value || null, complexity = new FormData(form).get("complexity");
  at("submit").disabled = true;
  const own = ++turn, mine = () => own === turn;
  try {
    const accepted = await patiently(mine, () => call("POST", "/recipes", { ingredients, servings, diet, complexity }));
    if (!accepted) return;
    const now = new Date().toISOString();
    const recipe = { id: accepted.id, status: "pending", created_at: now, wanted: ingredients, servings, diet, complexity };
    put(recipe);
    choose(recipe, "The recipe is being written.");
  } catch (problem) {
    showProblem(problem);
    // Of several problems of a field the first is the cause of the others.
    for (const { field, message } of (problem.errors ?? []).toReversed()) {
      const part = field.split(".")[1];
      if (part === "ingredients" || part === "servings") markField(part, message);
    }
  } finally {
    at("submit").disabled = false;
  }
});

at("more").addEventListener("click", () => load(true));

run(() => load(), () => { turn++; recipes = []; chosen = null; draw(); show(); });
