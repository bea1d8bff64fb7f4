// The page a notification opens.
import { config, hasWorker, store, worker } from "/static/resident/page.js";
import "/static/resident/route.js";
import "/static/resident/current.js";

if (hasWorker && (await store.get("subscription"))) await worker();
document.querySelector("[data-refresh]").addEventListener("click", () => document.querySelector("bosai-current").refresh());
document.documentElement.dataset.realm = config.realm;
