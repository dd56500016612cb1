// Signing in to a server with a token.

import { api, whenSignedOut } from "./api.js";
import { element, find } from "./dom.js";
import { problemBox } from "./message.js";
import { forgetSearches } from "./recent.js";
import { stored } from "./stored.js";

const dialog = find("#sign-in");
const signOut = find("#sign-out");
const SIGNED_IN = "signed-in"; // there is a session to end; its cookie is hidden from scripts

function ask() {
  if (dialog.open) return;
  const said = element("div", { "aria-live": "polite" });
  const token = element("input", { type: "password", name: "token", autocomplete: "current-password", required: true, id: "token" });
  dialog.replaceChildren(element("form", { on: { submit: send } },
    element("h2", { id: "sign-in-title" }, "Sign in"),
    element("label", { for: "token" }, "Token of this server"),
    token,
    element("p", { class: "hint" }, "The server was started with it: --token or MAXSIGHT_API_TOKEN."),
    said,
    element("footer", {}, element("button", { class: "primary" }, "Sign in"))));
  dialog.showModal();

  async function send(event) {
    event.preventDefault();
    try {
      await api.signIn(token.value);
      stored.set(SIGNED_IN, "yes");
      location.reload();
    } catch (problem) {
      said.replaceChildren(problemBox(problem));
      token.select();
    }
  }
}

dialog.addEventListener("cancel", (event) => event.preventDefault()); // nothing behind it works without a session
whenSignedOut(ask);

signOut.hidden = stored.get(SIGNED_IN) !== "yes";
signOut.addEventListener("click", async () => {
  await api.signOut();
  stored.remove(SIGNED_IN);
  forgetSearches(); // another person may be next
  location.assign("/");
});
