// SPDX-License-Identifier: MIT
// operator new, which fails when a test asks for it.
#include "support/allocations.h"

#include "asyncio/testing/sweep.h"

#include <cstdlib>
#include <thread>
#include <utility>

namespace support {

thread_local long allocations_left = -1;
thread_local bool fail_all_allocations = false;

namespace {

void* allocate(std::size_t bytes, std::size_t alignment) {
    if (fail_all_allocations) throw std::bad_alloc();
    if (allocations_left >= 0 && --allocations_left < 0) throw std::bad_alloc();
    if (bytes == 0) bytes = 1;
    void* memory =
        alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__
            ? std::malloc(bytes)
            : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

} // namespace

bool allocations_can_fail() noexcept {
    fail_all_allocations = true;
    bool failed = false;
    try {
        ::operator delete(::operator new(1));
    } catch (const std::bad_alloc&) {
        failed = true;
    }
    fail_all_allocations = false;
    return failed;
}

namespace {

/// The same for the sweep.
class SweptAllocations final : public asyncio::testing::AllocationFaults {
public:
    SweptAllocations() {
        if (allocations_can_fail()) asyncio::testing::set_allocation_faults(this);
    }
    // On a thread of its own, since what a thread has freed goes back to the heap at its end: the
    // pools do not grow from run to run.
    void run(asyncio::base::Function<void()> body) override {
        std::thread([&body] {
            const DrainedPools drained;
            body();
        }).join();
    }
    void fail_after(long count) noexcept override { fail_allocation_after(count); }
    long stop() noexcept override { return std::exchange(allocations_left, -1); }
};
SweptAllocations swept_allocations;

} // namespace

} // namespace support

void* operator new(std::size_t bytes) { return support::allocate(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return support::allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
