// A storefront that knows nothing of Temporal: it sells, ships, complains and follows the case.
//
//   REDRESS_URL=http://127.0.0.1:8080 REDRESS_KEY=rk_... node index.mjs [order-id]
//
// The key needs the roles storefront and carrier: here nobody else tells that the parcel has arrived.

import { Redress, Refused } from "./redress.mjs";
import { aPhoto } from "./photo.mjs";

const { REDRESS_URL = "http://127.0.0.1:8080", REDRESS_KEY } = process.env;
if (!REDRESS_KEY) {
  console.error("Set REDRESS_KEY to a key: python -m gateway keys issue --marketplace demo --role storefront --role carrier");
  process.exit(2);
}
const redress = new Redress(REDRESS_URL, REDRESS_KEY);
const orderId = process.argv[2] ?? `N-${Date.now()}`;
const order = `/v1/orders/${orderId}`;
const usd = (minor) => ({ minor, currency: "USD" });
const daysAgo = (days) => new Date(Date.now() - days * 86_400_000).toISOString();

try {
  // Sell. The payment was captured before: payment_ref is what the provider calls it.
  await redress.post("/v1/orders", {
    order_id: orderId,
    marketplace: "demo",
    buyer: { id: "b-17", country: "US", time_zone: "America/New_York" },
    seller: { id: "s-4", country: "US", time_zone: "America/Los_Angeles" },
    lines: [{ listing_id: "L-1", price: usd(11_000) }],
    price: { items: usd(11_000), shipping: usd(900), tax: usd(1_000), platform_fee: usd(2_200) },
    placed_at: daysAgo(3),
    payment_ref: `ch_${orderId}`,
  });
  console.log("sold", (await redress.get(order)).state);

  // Ship. A number that its carrier cannot have given is refused, with the rule.
  try {
    await redress.post(`${order}/shipped`, { carrier: "ups", tracking_number: "1Z999" });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.log("refused", error.problem.code);
  }
  await redress.post(`${order}/shipped`, { carrier: "ups", tracking_number: "1Z999AA10123456784" });
  await redress.post(`${order}/tracking`, {
    events: [
      { status: "accepted", at: daysAgo(2.5) },
      { status: "delivered", at: daysAgo(1) },
    ],
  });
  console.log("shipped", (await redress.until(order, (status) => status.state === "delivered")).state);

  // Complain, with a photo: it is uploaded first, and the complaint says where it is and what its hash is.
  const { uri, sha256, media_type, size } = await redress.post("/v1/files", aPhoto(), { type: "image/png" });
  const reply = await redress.post(`${order}/complaints`, {
    reason: "not_as_described",
    text: "The zip is torn.",
    evidence: [{ kind: "photo_defect", uri, sha256, media_type, size }],
  });
  const case_ = `/v1/cases/${reply.case_id}`;
  console.log("complained", reply.case_id);

  // Follow the case: who must act next, what was shown, what was said.
  await redress.until(`${case_}/exhibits`, ({ exhibits }) => exhibits.some(({ buyer }) => buyer[0]?.matches));
  await redress.post(`${case_}/messages`, { by: "buyer", text: "I would keep it for 25 dollars." });
  await redress.post(`${case_}/respond`, {
    accept: false,
    offer: { remedy: "partial_refund", amount: usd(2_500) },
  });
  await redress.post(`${case_}/offers/answer`, { by: "buyer", accept: true });
  const { messages } = await redress.get(`${case_}/conversation`);
  const [reason] = await redress.until(`${case_}/reasons`, (reasons) => reasons.length > 0);
  console.log("said", messages.length);
  console.log("settled", reason.remedy, reason.amount.minor);

  const outcome = await redress.until(order, (status) => status.state === "partially_refunded");
  console.log("ended", outcome.state);
} catch (error) {
  console.error(error instanceof Refused ? error.message : error);
  process.exit(1);
}
