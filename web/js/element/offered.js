// What was interrupted and belongs to an element. Of another destination, it would land elsewhere than its page says.

export function offeredTo({ destination }, { resumables }) {
  return resumables.filter((resumable) => (resumable.destination ?? "") === destination);
}
