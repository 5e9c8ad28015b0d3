// The bare loop: PUTs of slices to URLs that are known before the clock starts, and nothing else.
// Whoever checks, shows, and asks for URLs on the way can at best be as fast.

import { createCRC64 } from "hash-wasm";

const ATTEMPTS = 10;
const CRC64NVME = "9a6c9329ac4bc9b5";

// One after the other for each of `atOnce`, until all are sent.
export async function send(jobs, atOnce, checked) {
  const queue = [...jobs].reverse();
  const checksum = checked ? await checksums() : undefined;
  const lane = async () => {
    for (let job = queue.pop(); job; job = queue.pop()) {
      const headers = checksum && { "x-amz-checksum-crc64nvme": await checksum(job.blob) };
      await put(job, headers);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

async function put(job, headers) {
  for (let attempt = 1; ; attempt += 1) {
    const status = await putOnce(job, headers);
    if (status === 200) return;
    if (attempt === ATTEMPTS) throw new Error(`a PUT ended with ${status}`);
  }
}

function putOnce({ url, blob }, headers = {}) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.onloadend = () => resolve(request.status);
    request.send(blob);
  });
}

async function checksums() {
  const hasher = await createCRC64(CRC64NVME);
  return async (blob) => {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return btoa(String.fromCharCode(...hasher.init().update(bytes).digest("binary")));
  };
}
