// The first page with script: choosing a place, registering this device, and the newest guidance.
import "/static/resident/place.js";
import "/static/resident/subscribe.js";
import "/static/resident/current.js";
