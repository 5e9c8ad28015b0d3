// Each peer as its users run it. What it exports takes files and settings, prepares all that can
// be ready before there are files, and gives the function that the clock is for. That resolves
// once the peer says that everything has arrived.

import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";
import { uploadFiles } from "better-upload/client";
import { send } from "./bare.js";

const MIB = 1024 * 1024;
// Above it, a file is sent in parts; the same for all, and Partway's own.
const SINGLE_PUT_MAX = 16 * MIB;
// What Uppy does best with: its own 5 MiB cost a third more.
const UPPY_PART_SIZE = 16 * MIB;

async function post(path, body) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}`);
  return answer.json();
}

// The store under several names takes as many times six connections.
function atHost(url, hosts, index) {
  const address = new URL(url);
  address.hostname = hosts[index % hosts.length];
  return address.href;
}

async function jobs(files, { partSize, hosts }) {
  const asked = files.map(({ name, size }) => ({ name, size }));
  const { files: granted } = await post("/bare", { files: asked, part_size: partSize });
  return granted.flatMap(({ urls }, file) =>
    urls.map((url, part) => ({
      url: hosts ? atHost(url, hosts, file + part) : url,
      blob: urls.length === 1 ? files[file] : files[file].slice(part * partSize, (part + 1) * partSize),
    })),
  );
}

const forms = (files) => post("/forms", { names: files.map(({ name }) => name) });

// Whole files as HTML forms, which need no preflight.
async function bareForms(files, { atOnce, hosts }) {
  const signed = await forms(files);
  const queue = [...files.entries()].reverse();
  const lane = async () => {
    for (let next = queue.pop(); next; next = queue.pop()) {
      const [index, file] = next;
      const { url, fields } = signed[file.name];
      const body = new FormData();
      for (const [name, value] of Object.entries(fields)) body.set(name, value);
      body.set("file", file);
      const { ok, status } = await fetch(hosts ? atHost(url, hosts, index) : url, { method: "POST", body });
      if (!ok) throw new Error(`a form ended with ${status}`);
    }
  };
  return () => Promise.all(Array.from({ length: atOnce }, lane));
}

async function bare(files, settings) {
  const all = await jobs(files, settings);
  return () => send(all, settings.atOnce, settings.checked);
}

async function bareInWorker(files, settings) {
  const all = await jobs(files, settings);
  const worker = new Worker("/worker.js", { type: "module" });
  return () =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data: { error } }) => (error ? reject(new Error(error)) : resolve());
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage({ jobs: all, atOnce: settings.atOnce, checked: settings.checked });
    });
}

// As its documentation begins: an endpoint that speaks Companion's protocol, all else by default.
const companion = () => ({ endpoint: location.origin });

// No request for a signature, ever: all URLs of a file come with its creation, all of the small
// files at once.
function inAdvance(files) {
  const urls = new Map();
  let signed;
  return {
    shouldUseMultipart: ({ size }) => size > SINGLE_PUT_MAX,
    getChunkSize: () => UPPY_PART_SIZE,
    createMultipartUpload: async ({ name, size }) => {
      const created = await post("/uppy/create", { name, size, part_size: UPPY_PART_SIZE });
      urls.set(created.uploadId, created.urls);
      return { key: created.key, uploadId: created.uploadId };
    },
    signPart: async (_, { uploadId, partNumber }) => ({ url: urls.get(uploadId)[partNumber - 1] }),
    listParts: async () => [],
    abortMultipartUpload: async () => {},
    completeMultipartUpload: (_, { key, uploadId, parts }) => {
      const path = `/s3/multipart/${encodeURIComponent(uploadId)}/complete?key=${encodeURIComponent(key)}`;
      return post(path, { parts });
    },
    getUploadParameters: async ({ name }) => {
      signed ??= forms(files);
      return (await signed)[name];
    },
  };
}

const uppyWith = (options) => async (files) => {
  const uppy = new Uppy().use(AwsS3, options(files));
  return async () => {
    uppy.addFiles(files.map((file) => ({ name: file.name, type: file.type, data: file })));
    const { failed } = await uppy.upload();
    if (failed.length > 0) throw new Error(`${failed.length} failed, the first with ${failed[0].error}`);
  };
};

async function betterUpload(files) {
  const route = files.some(({ size }) => size > SINGLE_PUT_MAX) ? "multipart" : "files";
  // Unless told otherwise it tries nothing twice.
  const options = { api: "/better-upload", route, files, retry: 10, retryDelay: 100 };
  return async () => {
    const { failedFiles } = await uploadFiles(options);
    if (failedFiles.length > 0) throw new Error(`${failedFiles.length} failed: ${failedFiles[0].error.message}`);
  };
}

window.peers = {
  bare,
  bareForms,
  bareInWorker,
  uppy: uppyWith(companion),
  uppyAtItsBest: uppyWith(inAdvance),
  betterUpload,
};
