// SPDX-License-Identifier: MIT
// What tests with threads share: objects that are counted, gates, and names of threads.
#pragma once

#include "asyncio/thread_pool.h"

#include <atomic>
#include <latch>
#include <pthread.h>
#include <string>
#include <thread>

namespace support {

/// A limit for what ends at once; reached only if a test fails.
inline constexpr asyncio::Duration long_enough = std::chrono::seconds(60);

inline std::string this_thread_name() {
    char name[16] = {};
    ::pthread_getname_np(::pthread_self(), name, sizeof name);
    return name;
}

/// Takes real time on a thread of the test's own: so that the other side most likely waits by then.
/// What a test checks has to hold without it, too.
inline void take_time(std::chrono::nanoseconds time) {
    std::this_thread::sleep_for(time); // tidy: sleep: no clock of a loop knows of this thread
}

/// Counts how many of it are alive.
struct Counted {
    explicit Counted(std::atomic<int>& counter) : alive(&counter) { ++*alive; }
    Counted(const Counted& other) : alive(other.alive) { ++*alive; }
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --*alive; }
    std::atomic<int>* alive;
};

/// Work that has begun and ends when it is told to.
class Gate {
public:
    void pass() {
        begun_.count_down();
        opened_.wait();
    }
    void wait_begun() { begun_.wait(); }
    void open() { opened_.count_down(); }
    bool is_open() const { return opened_.try_wait(); }

private:
    std::latch begun_{1};
    std::latch opened_{1};
};

inline int pass_gate(Gate* gate, int value) {
    gate->pass();
    return value;
}

/// Occupies one thread of a pool until it is opened.
class Blocker {
public:
    explicit Blocker(asyncio::ThreadPoolExecutor& pool)
        : future_(pool.submit([this] { gate_.pass(); })) {
        gate_.wait_begun();
    }
    Blocker(const Blocker&) = delete; // the thread knows its address
    Blocker& operator=(const Blocker&) = delete;
    ~Blocker() { open(); }
    void open() {
        if (!gate_.is_open()) gate_.open();
        future_.wait();
    }

private:
    Gate gate_;
    asyncio::ConcurrentFuture<> future_;
};

} // namespace support
