import { at, element } from "./frame.js";
import { call } from "./session.js";

call("GET", "/videos").then((found) => at("videos").replaceChildren(...found.map((one) => element("li", one.prompt))));
