// What every page of ours shares: its elements by id, problems in words, and signing in. Text from outside is only set
// as text.

import { signIn, signOut, start } from "./session.js";

export const at = (id) => document.getElementById(id);

export function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

export const moment = (text) => new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

export function markField(name, text) {
  const field = at(name), note = at(`${name}-error`);
  field.setAttribute("aria-invalid", text ? "true" : "false");
  note.textContent = text ?? "";
  note.hidden = !text;
}

export function showProblem(problem) {
  at("problem").textContent = problem?.detail ?? "";
  at("problem").hidden = !problem;
  if (problem?.status === 401) askToSignIn("Your session has ended. Please sign in again.");
}

export function askToSignIn(text = null) {
  at("main").hidden = at("who").hidden = true;
  at("sign-in").hidden = false;
  markField("key", text);
  at("key").focus();
}

function show(client) {
  at("sign-in").hidden = true;
  at("main").hidden = false;
  at("who").hidden = !client;
  at("open").hidden = Boolean(client);
  at("client").textContent = client ? `Signed in as ${client}.` : "";
}

// `began` is called with the client, or null for a guest, when the page may be used; `ended` when somebody signed out.
export function run(began, ended) {
  const begin = (client) => { show(client); began(client); };
  at("sign-in").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const client = await signIn(at("key").value.trim());
      at("key").value = "";
      markField("key", null);
      begin(client);
    } catch (problem) {
      markField("key", problem.status === 401 ? "This key is not valid." : problem.detail);
    }
  });
  at("sign-out").addEventListener("click", async () => {
    await signOut();
    ended();
    askToSignIn();
  });
  start().then(({ client_id, keys_required }) => (keys_required && !client_id ? askToSignIn() : begin(client_id)))
    .catch((problem) => { at("main").hidden = false; showProblem(problem); });
}
