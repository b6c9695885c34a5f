// The page's script: the list of workflows, and what a person does to one of them.

import { at, markField, run, showProblem } from "./frame.js";
import { call } from "./session.js";
import { shown, TASK_STATES } from "./workflow.js";

const PAGE = 50;
const form = at("form");
let me = null, workflows = [], loading = 0, changes = 0, complete = true;

// Where no key is asked for, everybody is the same guest.
const own = (workflow) => (me ? workflow.user_id === me : workflow.user_id.startsWith("~"));

function say(text) {
  showProblem(null);
  at("status").textContent = text;
}

function draw() {
  at("workflows").replaceChildren(...workflows.map((workflow) => shown(workflow, own(workflow), act)));
  at("more").hidden = complete;
}

function redraw(workflow) {
  const there = at("workflows").querySelector(`[data-id="${workflow.id}"]`);
  there?.replaceWith(shown(workflow, own(workflow), act));
}

const control = (workflow, selector, number = 0) =>
  at("workflows").querySelectorAll(`[data-id="${workflow.id}"] ${selector}`)[number];

// The list may have come anew while a change was under way.
const current = (workflow) => workflows.find((one) => one.id === workflow.id) ?? workflow;

// Shows a task as it is stored now, and gives its place.
function put(workflow, task) {
  const { tasks } = current(workflow), known = tasks.findIndex((one) => one.id === task.id);
  const number = known < 0 ? tasks.push(task) - 1 : known;
  tasks[number] = task;
  redraw(current(workflow));
  return number;
}

// Too many requests are answered with how long to wait, and the list is asked for again then, by itself.
async function load(older = false) {
  const turn = ++loading, seen = changes;
  try {
    const before = older ? `?before=${workflows.at(-1).id}` : "";
    const found = await call("GET", `/workflows${before}`);
    if (turn !== loading) return;
    // The list was read before what was changed here meanwhile.
    if (seen !== changes) return load(older);
    workflows = older ? [...workflows, ...found] : found;
    complete = found.length < PAGE;
    draw();
    say(workflows.length ? "" : "There is no workflow yet. Create the first one.");
  } catch (problem) {
    if (turn !== loading) return;
    showProblem(problem);
    if (problem.status === 429) setTimeout(() => { if (turn === loading) load(older); }, 1000 * (problem.wait || 5));
  }
}

async function change(text, work, undo = () => {}) {
  try {
    await work();
    changes++;
    say(text);
  } catch (problem) {
    undo();
    showProblem(problem);
  }
}

const act = {
  addTask: (workflow, title) => change(`Added “${title}”.`, async () => {
    put(workflow, await call("POST", `/workflows/${workflow.id}/tasks`, { title }));
    control(workflow, "input").focus();
  }),
  // A choice that was refused is taken back: what is shown is what is stored.
  changeTask: (workflow, task, values) => change(`“${task.title}”: ${TASK_STATES[values.status]}.`, async () => {
    const number = put(workflow, await call("PATCH", `/tasks/${task.id}`, values));
    control(workflow, "li select", number).focus();
  }, () => redraw(current(workflow))),
  changeWorkflow: (workflow, values) => change("Changed.", async () => {
    const changed = await call("PATCH", `/workflows/${workflow.id}`, values);
    redraw(Object.assign(current(workflow), changed));
    control(workflow, ".state select").focus();
  }, () => redraw(current(workflow))),
  deleteWorkflow: (workflow) => {
    if (!confirm(`Delete “${workflow.name}” with its ${workflow.tasks.length} tasks?`)) return;
    change(`Deleted “${workflow.name}”.`, async () => {
      await call("DELETE", `/workflows/${workflow.id}`);
      workflows = workflows.filter((one) => one.id !== workflow.id);
      draw();
      at("result").focus();
    });
  },
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = at("name").value.trim(), description = at("description").value.trim();
  markField("name", name ? null : "Please give the workflow a name.");
  markField("description", null);
  if (!name) return at("name").focus();
  at("submit").disabled = true;
  try {
    // The list may have come anew meanwhile, with this one or without.
    const made = await call("POST", "/workflows", { name, description });
    workflows = [made, ...workflows.filter((one) => one.id !== made.id)];
    changes++;
    form.reset();
    draw();
    say(`Created “${name}”.`);
    control(workflows[0], "input").focus();
  } catch (problem) {
    showProblem(problem);
    for (const { field, message } of problem.errors ?? []) {
      const named = field.split(".")[1];
      if (named === "name" || named === "description") markField(named, message);
    }
  } finally {
    at("submit").disabled = false;
  }
});

at("more").addEventListener("click", () => load(true));

run((client) => { me = client; load(); }, () => { workflows = []; draw(); });
