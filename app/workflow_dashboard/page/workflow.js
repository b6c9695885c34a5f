// One workflow as the page shows it. Who owns it gets its controls; everybody else reads.

import { element, moment } from "./frame.js";

export const TASK_STATES = { pending: "To do", in_progress: "In progress", done: "Done" };
export const STATES = { active: "Active", paused: "Paused", completed: "Completed" };

let last = 0;

// `rest` is for who does not see what the control stands beside.
function labelled(control, text, rest) {
  const label = element("label", text), hidden = element("span", ` ${rest}`);
  hidden.className = "visually-hidden";
  label.append(hidden);
  control.id = `control-${++last}`;
  label.htmlFor = control.id;
  return label;
}

function choice(states, state, changed) {
  const select = document.createElement("select");
  for (const [value, text] of Object.entries(states)) select.append(new Option(text, value, false, value === state));
  select.addEventListener("change", () => changed(select.value));
  return select;
}

function taskLine(workflow, task, own, act) {
  const line = document.createElement("li");
  line.className = `task ${task.status}`;
  line.append(element("span", task.title));
  if (own) {
    const select = choice(TASK_STATES, task.status, (status) => act.changeTask(workflow, task, { status }));
    select.setAttribute("aria-label", `State of ${task.title}`);
    line.append(select);
  } else {
    line.append(element("small", TASK_STATES[task.status]));
  }
  return line;
}

function addForm(workflow, act) {
  const form = document.createElement("form"), field = document.createElement("input"), part = document.createElement("div");
  form.className = "add";
  form.noValidate = true;
  field.name = "title";
  field.maxLength = 200;
  field.autocomplete = "off";
  part.append(labelled(field, "New task", `in ${workflow.name}`), field);
  const button = element("button", "Add task");
  button.className = "quiet";
  form.append(part, button);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const title = field.value.trim();
    if (title) act.addTask(workflow, title);
    else field.focus();
  });
  return form;
}

function stateLine(workflow, act) {
  const line = document.createElement("div"), remove = element("button", "Delete");
  const select = choice(STATES, workflow.status, (status) => act.changeWorkflow(workflow, { status }));
  line.className = "state";
  remove.type = "button";
  remove.className = "quiet";
  remove.setAttribute("aria-label", `Delete ${workflow.name}`);
  remove.addEventListener("click", () => act.deleteWorkflow(workflow));
  line.append(labelled(select, "State", `of the workflow ${workflow.name}`), select, remove);
  return line;
}

// `act` has what a person may do: addTask, changeTask, changeWorkflow, deleteWorkflow.
export function shown(workflow, own, act) {
  const item = document.createElement("li"), article = document.createElement("article"), tasks = document.createElement("ol");
  const done = workflow.tasks.filter((task) => task.status === "done").length;
  const owner = workflow.user_id.startsWith("~") ? "a guest" : workflow.user_id;
  item.dataset.id = workflow.id;
  article.append(element("h3", workflow.name));
  article.append(element("small", `${STATES[workflow.status]}, ${done} of ${workflow.tasks.length} done, by ${owner}, ${moment(workflow.created_at)}`));
  if (workflow.description) article.append(element("p", workflow.description));
  tasks.append(...workflow.tasks.map((task) => taskLine(workflow, task, own, act)));
  article.append(tasks);
  if (own) article.append(addForm(workflow, act), stateLine(workflow, act));
  item.append(article);
  return item;
}
