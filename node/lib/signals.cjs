// Hearing an AbortSignal: however many calls wait with one signal, it has one listener of ours, so that a signal for the
// end of a whole program causes no warning about a leak.
'use strict';

const { invalid } = require('./failure.cjs');

/** What waits, by signal. */
const hearing = new WeakMap();

/** Calls `abort` once when the signal is aborted. Returns what ends that, and leaves nothing behind. */
function hear(signal, abort) {
  let group = hearing.get(signal);
  if (!group) {
    const waiting = new Set();
    const listener = () => {
      hearing.delete(signal);
      for (const told of [...waiting]) told();
    };
    group = { waiting, listener };
    hearing.set(signal, group);
    signal.addEventListener('abort', listener, { once: true });
  }
  group.waiting.add(abort);
  return () => {
    group.waiting.delete(abort);
    if (group.waiting.size > 0 || hearing.get(signal) !== group) return;
    hearing.delete(signal);
    signal.removeEventListener('abort', group.listener);
  };
}

/** A signal that is aborted with any of several, and what ends that. */
function either(signals) {
  const joined = new AbortController();
  const ends = [];
  for (const signal of signals) {
    if (signal.aborted) joined.abort(signal.reason);
    else ends.push(hear(signal, () => joined.abort(signal.reason)));
  }
  return { signal: joined.signal, end: () => ends.forEach((end) => end()) };
}

/** Why a signal was aborted. Older ones do not say. */
function reasonOf({ reason }) {
  return reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason;
}

/** Refuses what is no signal. One of another library needs no more than what is asked for here. */
function checkSignal(signal) {
  if (signal === undefined || signal === null) return undefined;
  const methods = ['addEventListener', 'removeEventListener'];
  if (typeof signal.aborted === 'boolean' && methods.every((name) => typeof signal[name] === 'function')) return signal;
  throw invalid('signal must be an AbortSignal');
}

module.exports = { checkSignal, either, hear, reasonOf };
