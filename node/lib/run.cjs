// How a call into the core is awaited: it rings a bell when it is done, and then its result is taken.
//
// There is no moment at which an abort could lose a result: what is not taken goes back.
'use strict';

const native = require('./native.cjs');
const { toError } = require('./failure.cjs');
const { checkSignal, hear, reasonOf } = require('./signals.cjs');

/** What happens when the bell rings with the number of a call. */
const waiting = new Map();
const bell = new native.Bell((number) => waiting.get(number)?.());
let last = 0;

/** How many calls keep the event loop alive, and the timer that does it. */
let holding = 0;
let hold;

function holdOn() {
  holding += 1;
  hold ??= setInterval(() => {}, 0x7fffffff);
  if (holding === 1) hold.ref();
}

function letGo() {
  holding -= 1;
  if (holding === 0) hold.unref();
}

/**
 * Awaits a call, and returns what `made` makes of what came out. `make` makes the call, and is not asked when the
 * signal is aborted already. With `quiet` it does not keep the event loop alive.
 *
 * Errors are made after the `await`, not where the bell rings: only there does their stack lead to who waits. So whoever
 * hands this on writes `return await`.
 */
async function run(make, made, { signal, quiet = false } = {}) {
  checkSignal(signal);
  if (signal?.aborted) throw reasonOf(signal);
  const taken = await rung(make(), signal, quiet);
  if (taken === undefined) throw reasonOf(signal);
  if (taken.failure) throw toError(taken.failure);
  return made(taken);
}

/** What comes out of a call; undefined when the signal was aborted before. */
function rung(call, signal, quiet) {
  return new Promise((resolve) => {
    last = (last + 1) >>> 0;
    const number = last;
    let deafen;
    const end = () => {
      waiting.delete(number);
      deafen?.();
      if (!quiet) letGo();
    };
    const abort = () => {
      end();
      call.cancel();
      resolve(undefined);
    };
    waiting.set(number, () => {
      end();
      resolve(call.take());
    });
    if (signal) deafen = hear(signal, abort);
    if (!quiet) holdOn();
    call.start(bell, number);
  });
}

module.exports = { run };
