// A consumer as the SDK's own documentation shows it: only the endpoint and the credentials are ours.
// usage: node tencentcloud-sdk-nodejs-vod.js ENDPOINT SECRET_ID SECRET_KEY HOW_MANY [SIGN_METHOD [GET|POST]]
// Pulls and confirms until HOW_MANY events have come, and prints each on a line.
const vod = require("tencentcloud-sdk-nodejs-vod").vod.v20180717;

const [endpoint, secretId, secretKey, howMany, signMethod = "TC3-HMAC-SHA256", reqMethod = "POST"] = process.argv.slice(2);

const client = new vod.Client({
  credential: { secretId, secretKey },
  region: "ap-guangzhou",
  profile: { signMethod, httpProfile: { protocol: "http://", endpoint, reqMethod } },
});

async function main() {
  for (let seen = 0; seen < Number(howMany); ) {
    const { EventSet } = await client.PullEvents({});
    if (EventSet.length === 0) continue;
    await client.ConfirmEvents({ EventHandles: EventSet.map((event) => event.EventHandle) });
    EventSet.forEach((event) => console.log(JSON.stringify(event)));
    seen += EventSet.length;
  }
}

main().catch((error) => {
  console.log(JSON.stringify({ code: error.code, message: error.message, requestId: error.requestId }));
  process.exit(3);
});
