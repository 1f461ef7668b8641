// SPDX-License-Identifier: MIT
// What this process has used so far, as the kernel counts it.
#include "programs/terminal/usage.h"

#include <ctime>
#include <fstream>
#include <string>

namespace terminal {

namespace {

double seconds_on(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Lines read "VmHWM:	    9876 kB". getrusage() would count what ran before exec() too.
std::size_t bytes_of(const char* key) {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        std::size_t kilobytes = 0;
        if (word == key && status >> kilobytes) return kilobytes * 1024;
    }
    return 0;
}

} // namespace

Usage usage_now() { return {seconds_on(CLOCK_MONOTONIC), seconds_on(CLOCK_PROCESS_CPUTIME_ID)}; }

Usage usage_since(const Usage& earlier) {
    const Usage now = usage_now();
    return {now.wall_seconds - earlier.wall_seconds,
            now.processor_seconds - earlier.processor_seconds};
}

std::size_t resident_bytes() { return bytes_of("VmRSS:"); }

std::size_t peak_bytes() { return bytes_of("VmHWM:"); }

} // namespace terminal
