// The front door's start page: asks for the work e-mail and sends its domain alone. The field itself has no name, so
// nothing else of it is sent; without this script it asks for the domain.

const form = document.querySelector<HTMLFormElement>("form#start");
const who = document.querySelector<HTMLInputElement>("input#who");

if (form && who) {
  const domain = document.createElement("input");
  domain.type = "hidden";
  domain.name = "domain";
  who.removeAttribute("name");
  who.type = "email";
  form.append(domain);
  for (const text of form.querySelectorAll<HTMLElement>("[data-with-script]")) text.hidden = false;
  for (const text of form.querySelectorAll<HTMLElement>("[data-without-script]")) text.hidden = true;
  form.addEventListener("submit", () => {
    domain.value = who.value.slice(who.value.lastIndexOf("@") + 1).trim();
  });
}
