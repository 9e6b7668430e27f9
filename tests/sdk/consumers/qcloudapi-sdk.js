// A consumer as the SDK's own documentation shows it: only the host and the credentials are ours.
// usage: node qcloudapi-sdk.js HOST SECRET_ID SECRET_KEY HOW_MANY [sha1|sha256 [GET|POST]]
// Pulls and confirms until HOW_MANY events have come, and prints each on a line.
const Capi = require("qcloudapi-sdk");

const [host, SecretId, SecretKey, howMany, signatureMethod = "sha1", method = "POST"] = process.argv.slice(2);

const capi = new Capi({ SecretId, SecretKey, host, signatureMethod, method });

function call(parameters) {
  return new Promise((resolve, reject) =>
    capi.request(parameters, (error, answer) => (error ? reject(error) : resolve(answer)))
  );
}

async function main() {
  for (let seen = 0; seen < Number(howMany); ) {
    const pulled = await call({ Action: "PullEvent" });
    if (pulled.code === 4000) continue;
    if (pulled.code !== 0) throw pulled;
    const confirmed = await call({
      Action: "ConfirmEvent",
      msgHandle: pulled.eventList.map((event) => event.msgHandle),
    });
    if (confirmed.code !== 0) throw confirmed;
    pulled.eventList.forEach((event) => console.log(JSON.stringify(event)));
    seen += pulled.eventList.length;
  }
}

main().catch((error) => {
  console.log(JSON.stringify({ code: error.code, message: error.message }));
  process.exit(3);
});
