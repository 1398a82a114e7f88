// The name of this platform, as the packages with prebuilt libraries are called.
'use strict';

const { arch, platform: system } = process;

function platform() {
  if (system === 'win32') return `win32-${arch}-msvc`;
  if (system !== 'linux') return `${system}-${arch}`;
  // Whoever runs with another C library than glibc has no version of it.
  const header = process.report?.getReport()?.header;
  return `linux-${arch}-${header?.glibcVersionRuntime ? 'gnu' : 'musl'}`;
}

module.exports = { platform };
