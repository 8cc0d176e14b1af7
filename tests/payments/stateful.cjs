// Serves stripe-stateful-mock on loopback only; its own command listens on all addresses.
const { createExpressApp } = require("stripe-stateful-mock");

require("loglevel").setLevel("silent");
createExpressApp().listen(Number(process.argv[2]), "127.0.0.1");
