// SPDX-License-Identifier: MIT
// What benches measure with: clocks, memory, and a line a figure, which a program can read:
// peer workload params metric value unit.
#pragma once

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace bench {

inline double clock_ns(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

inline double resident_bytes() { // now
    long unused = 0;
    long pages = 0;
    if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%ld %ld", &unused, &pages) != 2) pages = 0;
        std::fclose(file);
    }
    return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

inline double peak_bytes() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) * 1024;
}

/// Prints figures of one workload under the peer's name.
class Report {
public:
    Report(std::string peer, std::string workload, long operations)
        : head_(std::move(peer) + " " + std::move(workload) + " n=" + std::to_string(operations)) {}

    void value(const char* metric, double value, const char* unit) const {
        std::printf("%s %s %.2f %s\n", head_.c_str(), metric, value, unit);
        std::fflush(stdout);
    }

private:
    std::string head_;
};

/// Wall and CPU time from its making to stop().
class Meter {
public:
    explicit Meter(const Report& report)
        : report_(report), cpu_(clock_ns(CLOCK_PROCESS_CPUTIME_ID)),
          wall_(clock_ns(CLOCK_MONOTONIC)) {}

    void stop(double operations) const {
        const double wall = clock_ns(CLOCK_MONOTONIC) - wall_;
        const double cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_;
        report_.value("wall", wall / operations, "ns/op");
        report_.value("cpu", cpu / operations, "ns/op");
    }

private:
    const Report& report_;
    double cpu_;
    double wall_;
};

/// The same pseudo-random numbers as every peer of the comparison draws.
class Random {
public:
    std::uint32_t next() noexcept {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 17;
        state_ ^= state_ << 5;
        return state_;
    }

private:
    std::uint32_t state_ = 1;
};

} // namespace bench
