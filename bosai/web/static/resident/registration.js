// What this device is registered with, here and at the service. Both know the same places, so that a registration that
// was lost can be made anew by one tap.
import { api, store } from "/static/resident/page.js";

// wanted: {subscription, lang, places, checks, today_only, welfare_code}; label: the place in words.
export async function register(wanted, label) {
  const made = await api("POST", "/subscriptions", { body: wanted });
  await keep({ ...made, label }, wanted);
}

// Change what `changes` names. False when the service no longer knows this device: register anew.
export async function change(known, changes) {
  try {
    await api("PUT", `/subscriptions/${known.id}`, { body: changes, secret: known.secret });
  } catch (error) {
    if (error.status === 403 || error.status === 404) return false;
    throw error;
  }
  await keep(known, changes);
  return true;
}

// A code used before is no second use: the device keeps it, and sends it again with the places.
const keep = (known, changes) => {
  const { places = known.places, lang = known.lang, checks = known.checks } = changes;
  const { today_only = known.today_only, welfare_code = known.welfare_code } = changes;
  return store.put("subscription", { ...known, places, lang, checks, today_only, welfare_code });
};
