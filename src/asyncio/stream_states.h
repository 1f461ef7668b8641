// SPDX-License-Identifier: MIT
// What is behind StreamReader: the bytes that have come, and who waits for more.
#pragma once

#include "asyncio/coroutines.h"
#include "asyncio/transports.h"
#include "base/byte_buffer.h"
#include "base/counted.h"

namespace asyncio::detail {

class ReaderState;

/// A read that had to wait: it hangs in its reader's one slot.
class ReadWaiter : public Waiter {
public:
    void fired() noexcept final { wake(task); }
    void abandon() noexcept final;
    /// Has what it waits for come? Asked when bytes come; it goes on from where it looked last.
    virtual bool satisfied() noexcept = 0;

protected:
    explicit ReadWaiter(Counted<ReaderState> reader) noexcept;
    ~ReadWaiter();
    /// First thing when the await ends.
    void leave() noexcept;

    Counted<ReaderState> reader_;
};

/// Counts: handles and reads.
///
/// A read takes its bytes when its task runs, not when they come. Until then its place is taken, so
/// a cancel in between has nothing to give back, and nobody else can take what it was woken for.
class ReaderState {
public:
    /// Throws    ValueError: a limit of 0.
    explicit ReaderState(std::size_t limit);
    ReaderState(const ReaderState&) = delete;
    ReaderState& operator=(const ReaderState&) = delete;

    std::string_view unread() const noexcept { return buffer_.view(); }
    std::size_t limit() const noexcept { return limit_; }
    bool at_end() const noexcept { return eof_; } // no more will come
    const std::exception_ptr& error() const noexcept { return error_; }
    /// Will nothing change any more?
    bool is_over() const noexcept { return eof_ || error_ != nullptr; }

    /// Takes the first `bytes` out.
    void consume(std::size_t bytes) {
        buffer_.consume(bytes);
        if (paused_ && buffer_.size() <= limit_) resume_transport();
    }

    void feed_data(std::string_view data);
    void feed_eof() noexcept;
    void set_exception(std::exception_ptr error) noexcept;
    void set_transport(Transport* transport) noexcept { transport_ = transport; }
    bool has_transport() const noexcept { return transport_ != nullptr; }

    /// Throws    RuntimeError: another read waits.
    void check_free(const char* operation) const {
        if (waiter_ != nullptr) [[unlikely]]
            throw_busy(operation);
    }
    /// The read waits from now on: lets the transport go on, and gives an empty chunk back.
    void wait(ReadWaiter* waiter);
    void leave(const ReadWaiter* waiter) noexcept {
        if (waiter_ == waiter) waiter_ = nullptr;
    }

    void add_ref() noexcept { ++refs_; }
    void release() noexcept {
        if (--refs_ == 0) delete this;
    }

    static void* operator new(std::size_t bytes) { return base::StatePool::take(bytes); }
    static void operator delete(void* memory, std::size_t bytes) noexcept {
        base::StatePool::give(memory, bytes);
    }

private:
    ~ReaderState() = default;
    [[noreturn]] static void throw_busy(const char* operation);
    void keep(std::string_view data);
    bool takes_read_buffer(std::string_view data);
    void bytes_came();
    void wake_waiter() noexcept;
    void pause_transport();
    void resume_transport();

    base::ByteBuffer buffer_;
    std::size_t limit_;
    ReadWaiter* waiter_ = nullptr;
    Transport* transport_ = nullptr; // LIFETIME: its protocol takes it away when it is lost
    std::exception_ptr error_;
    std::uint32_t refs_ = 1;
    bool woken_ = false; // the waiter's task is queued
    bool eof_ = false;
    bool paused_ = false; // the transport, by us
};

inline ReadWaiter::ReadWaiter(Counted<ReaderState> reader) noexcept : reader_(std::move(reader)) {}
inline ReadWaiter::~ReadWaiter() { leave(); } // its task may be taken apart
inline void ReadWaiter::abandon() noexcept { reader_->leave(this); }
inline void ReadWaiter::leave() noexcept {
    if (task != nullptr) reader_->leave(this);
}

} // namespace asyncio::detail
