// How a call into the core is awaited: it rings a bell when it is done, and then its result is taken.
//
// There is no moment at which an abort could lose a result: what is not taken goes back.
'use strict';

const native = require('./native.cjs');
const { toError } = require('./failure.cjs');
const { checkSignal, hear } = require('./signals.cjs');

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
 */
function run(make, made, { signal, quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    checkSignal(signal);
    signal?.throwIfAborted();
    const call = make();
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
      reject(signal.reason);
    };
    waiting.set(number, () => {
      end();
      const taken = call.take();
      try {
        if (taken.failure) reject(toError(taken.failure));
        else resolve(made(taken));
      } catch (error) {
        reject(error);
      }
    });
    if (signal) deafen = hear(signal, abort);
    if (!quiet) holdOn();
    call.start(bell, number);
  });
}

module.exports = { run };
