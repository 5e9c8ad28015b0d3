// The progress of several uploads as one.

// What was cancelled or has failed leaves the sum, with all its bytes.
export function overall(uploads, active) {
  let size = 0;
  let uploaded = 0;
  let speed = null;
  let count = 0;
  for (const { status } of uploads) {
    if (["cancelled", "cancelling", "failed"].includes(status.state)) continue;
    count += 1;
    size += status.size;
    uploaded += status.uploaded;
    if (status.bytesPerSecond !== null) speed = (speed ?? 0) + status.bytesPerSecond;
  }
  const left = size - uploaded;
  return {
    count,
    active,
    size,
    uploaded,
    bytesPerSecond: speed,
    secondsLeft: speed > 0 ? left / speed : null,
  };
}
