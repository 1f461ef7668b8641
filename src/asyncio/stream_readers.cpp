// SPDX-License-Identifier: MIT
// The reading half of streams: bytes that are kept, and the reads that are not plain.
#include "asyncio/base_events.h"
#include "asyncio/streams.h"

#include <algorithm>

namespace asyncio {

StreamReader::StreamReader(std::size_t limit_bytes)
    : state_(detail::Counted<detail::ReaderState>::adopt(new detail::ReaderState(limit_bytes))) {}

void StreamReader::set_transport(Transport& transport) const {
    if (state_->has_transport()) throw RuntimeError("Transport already set");
    state_->set_transport(&transport);
}

namespace detail {

// ---- what has come ------------------------------------------------------------------------------

namespace {

// Above it, taking the loop's read buffer in exchange for another is cheaper than copying.
constexpr std::size_t copied_bytes_max = 16 * 1024;

} // namespace

ReaderState::ReaderState(std::size_t limit) : limit_(limit) {
    if (limit == 0) throw ValueError("Limit cannot be <= 0");
}

void ReaderState::throw_busy(const char* operation) {
    throw RuntimeError(std::string(operation) +
                       "() called while another coroutine is already waiting for incoming data");
}

void ReaderState::feed_data(std::string_view data) {
    if (eof_) throw RuntimeError("feed_data after feed_eof");
    if (data.empty()) return;
    if (!takes_read_buffer(data)) buffer_.append(data);
    bytes_came();
}

bool ReaderState::takes_read_buffer(std::string_view data) {
    if (data.size() <= copied_bytes_max || !buffer_.empty() || here.loop == nullptr) return false;
    Channels* channels = EventLoop::of(*here.loop).parts().channels.get();
    if (channels == nullptr || !channels->is_read_buffer(data)) return false;
    base::Chunk own = buffer_.exchange(base::Chunk(), 0);
    if (own.size() != Channels::read_buffer_bytes) own = base::Chunk(Channels::read_buffer_bytes);
    buffer_.exchange(channels->take_read_buffer(std::move(own)), data.size());
    return true;
}

// A read that has not enough yet must go on receiving, however much is kept.
void ReaderState::bytes_came() {
    if (waiter_ != nullptr && !woken_) {
        if (!waiter_->satisfied()) return;
        wake_waiter();
    }
    const std::size_t kept = buffer_.size();
    if (kept > limit_ && kept - limit_ > limit_ && !paused_) pause_transport();
}

void ReaderState::wake_waiter() noexcept {
    if (waiter_ == nullptr || woken_) return;
    woken_ = true;
    waiter_->fired();
}

void ReaderState::feed_eof() noexcept {
    eof_ = true;
    wake_waiter();
}

void ReaderState::set_exception(std::exception_ptr error) noexcept {
    error_ = std::move(error);
    wake_waiter();
}

void ReaderState::wait(ReadWaiter* waiter) {
    waiter_ = waiter;
    woken_ = false;
    buffer_.shrink();
    if (paused_) resume_transport();
}

void ReaderState::pause_transport() {
    if (transport_ == nullptr) return;
    try {
        transport_->pause_reading();
        paused_ = true;
    } catch (const NotImplementedError&) {
        transport_ = nullptr; // it cannot be held back
    }
}

void ReaderState::resume_transport() {
    paused_ = false;
    if (transport_ != nullptr) transport_->resume_reading();
}

// ---- how reads fail -----------------------------------------------------------------------------

namespace {

constexpr const char* found_too_far = "Separator is found, but chunk is longer than limit";
constexpr const char* not_found_so_far = "Separator is not found, and chunk exceed the limit";

} // namespace

std::exception_ptr negative_size_error() {
    return std::make_exception_ptr(ValueError("readexactly size can not be less than zero"));
}

std::exception_ptr incomplete_error(ReaderState& reader, std::optional<std::size_t> expected) {
    return std::make_exception_ptr(
        IncompleteReadError(taken(reader, reader.unread().size()), expected));
}

std::exception_ptr ReadLine::special_failure(ReaderState& reader) {
    if (reader.error()) return reader.error();
    reader.consume(end_ != 0 ? end_ : reader.unread().size());
    return std::make_exception_ptr(ValueError(end_ != 0 ? found_too_far : not_found_so_far));
}

ReadUntil::ReadUntil(std::vector<std::string> separators) : separators_(std::move(separators)) {
    std::sort(separators_.begin(), separators_.end(),
              [](const std::string& a, const std::string& b) { return a.size() < b.size(); });
}

// The separator that ends first; of two that end together the shorter one.
bool ReadUntil::find(std::string_view unread) noexcept {
    for (const std::string& separator : separators_) {
        const std::size_t at = unread.find(separator, scanned_);
        if (at == std::string_view::npos) continue;
        if (end_ != 0 && at + separator.size() >= end_) continue;
        begin_ = at;
        end_ = at + separator.size();
    }
    return end_ != 0;
}

bool ReadUntil::ready(const ReaderState& reader) noexcept {
    if (separators_.empty() || separators_.front().empty() || reader.error()) return true;
    const std::string_view unread = reader.unread();
    if (find(unread)) return true;
    const std::size_t overlap = separators_.back().size() - 1; // of one that has come in part
    scanned_ = unread.size() > overlap ? unread.size() - overlap : 0;
    return reader.at_end() || scanned_ > reader.limit();
}

std::exception_ptr ReadUntil::failure(ReaderState& reader) {
    if (separators_.empty()) {
        return std::make_exception_ptr(ValueError("Separator should contain at least one element"));
    }
    if (separators_.front().empty()) {
        return std::make_exception_ptr(ValueError("Separator should be at least one-byte string"));
    }
    if (reader.error()) return reader.error();
    if (end_ == 0) {
        if (scanned_ > reader.limit()) {
            return std::make_exception_ptr(LimitOverrunError(not_found_so_far, scanned_));
        }
        return incomplete_error(reader, std::nullopt);
    }
    if (begin_ <= reader.limit()) return nullptr;
    return std::make_exception_ptr(LimitOverrunError(found_too_far, begin_));
}

} // namespace detail

} // namespace asyncio
