// The sign-in page of somebody who is to go on to the identity provider at once: presses the button for them.
document.querySelector<HTMLFormElement>("form[data-at-once]")?.requestSubmit();
