// The page: what is pressed, and what is shown.

import { measureFile } from "../file";
import { Monitor } from "../monitor";
import { cameras } from "./camera";
import { Cards } from "./cards";
import { Coach } from "./coach";
import { byId, say } from "./dom";
import { App } from "./page";
import { Speaker } from "./speaker";
import { Stage } from "./stage";
import { missing, told } from "./troubles";

const stage = new Stage(byId<HTMLVideoElement>("video"), byId<HTMLCanvasElement>("overlay"), byId("picture"));
const app = new App({
  stage,
  cards: new Cards(byId("cards"), byId<HTMLTemplateElement>("card")),
  coach: new Coach(byId("hint"), byId("conditions")),
  speaker: new Speaker(byId("spoken")),
  cameras,
  measureFile,
});

/** Load everything now, so that nothing is asked of the server later. */
async function load(): Promise<void> {
  const lacking = missing();
  if (lacking) return app.fail(lacking);
  try {
    app.ready(await Monitor.open());
  } catch (error) {
    app.fail(`The page did not load: ${told(error)}`);
    say(byId("status"), "Not loaded");
  }
}

void load();
