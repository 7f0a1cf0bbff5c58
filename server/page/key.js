// Asks a person for the server's key.

import { find } from "./dom.js";

let asking = null;

/** Return the key that a person gives; however many ask, there is one dialog. */
export function askForKey(refused) {
  asking ??= new Promise((given) => open(refused, given)).finally(() => (asking = null));
  return asking;
}

function open(refused, given) {
  const dialog = find("key");
  const value = find("key-value");
  if (refused) find("key-said").textContent = "The server does not know that key. Try another one.";
  value.value = "";
  value.setAttribute("aria-invalid", refused);
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("close", () => given(value.value.trim()), { once: true });
  dialog.showModal();
}
