// Companion's S3 routes, as its documentation sets them up. Usage: node companion.mjs <port> <store>
import { app } from "@uppy/companion";
import express from "express";

const [port, store] = process.argv.slice(2);
const server = express();
server.use(express.json());
const { app: companion } = app({
  secret: "a secret of the benchmark's", filePath: "/tmp", server: { host: `127.0.0.1:${port}`, protocol: "http" }, uploadUrls: [/.*/],
  corsOrigins: true, providerOptions: {},
  s3: {
    key: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", bucket: "uploads", region: "us-east-1",
    endpoint: store, forcePathStyle: true, expires: 900,
  },
});
server.use(companion);
server.listen(Number(port), "127.0.0.1");
