// SPDX-License-Identifier: MIT
// Bytes that go from one transport to another through a buffer.
#include "asyncio/testing/memory_transports.h"

#include "asyncio/base_events.h"
#include "base/byte_buffer.h"

#include <algorithm>
#include <cstring>
#include <deque>

namespace asyncio::testing {

namespace {

class MemoryTransport;

/// One direction. Both ends keep it; either may be gone.
struct Way {
    explicit Way(const MemoryOptions& how) : options(how) {}
    const MemoryOptions options;
    base::ByteBuffer bytes;          // written, and not yet received
    std::size_t arrived = 0;         // of them
    bool ended = false;              // the writer will write no more
    bool end_arrived = false;
    MemoryTransport* writer = nullptr;
    MemoryTransport* reader = nullptr;
    std::deque<TimerHandle> under_way; // arrivals, in their order

    /// Nobody will receive any more.
    void cut() noexcept {
        bytes.clear();
        reader = nullptr;
        for (TimerHandle& arrival : under_way) arrival.cancel();
        under_way.clear();
    }
};

/// Counts: the loop's, until connection_lost() was called; those of TransportRefs.
class MemoryTransport final : public detail::FlowControlTransport, detail::Hop {
public:
    MemoryTransport(EventLoop& loop, std::shared_ptr<BaseProtocol> protocol,
                    std::shared_ptr<Way> out, std::shared_ptr<Way> in)
        : FlowControlTransport(loop, std::move(protocol)),
          Hop(
              [](detail::Hop* hop) {
                  auto* self = static_cast<MemoryTransport*>(hop);
                  self->hop_queued_ = false;
                  self->made_ ? self->lose_connection() : self->make_connection();
              },
              [](detail::Hop* hop) noexcept { static_cast<MemoryTransport*>(hop)->let_go(); }),
          out_(std::move(out)), in_(std::move(in)) {
        out_->writer = in_->reader = this;
        hop_queued_ = true;
        detail::queue_hop(loop.core(), this);
    }

    void close() override {
        if (closing_) return;
        closing_ = true;
        if (get_write_buffer_size() == 0) queue_end();
    }
    bool is_closing() const noexcept override { return closing_; }
    bool is_reading() const override { return !closing_ && !paused_; }
    void pause_reading() override {
        if (is_reading()) paused_ = true;
    }
    void resume_reading() override {
        if (closing_ || !paused_) return;
        paused_ = false;
        deliver_soon();
    }
    void write(std::string_view data) override;
    void write_eof() override;
    bool can_write_eof() const noexcept override { return true; }
    void abort() override { force_close(nullptr); }
    std::size_t get_write_buffer_size() const override {
        const std::size_t capacity = out_->options.capacity();
        return out_->bytes.size() > capacity ? out_->bytes.size() - capacity : 0;
    }
    std::string text() const override { return "<MemoryTransport>"; }
    bool can_start_tls() const noexcept override { return true; }

    void force_close(const std::exception_ptr& error);
    /// Bytes, or their end, have arrived here.
    void deliver_soon();
    /// The peer has taken some of what is to be sent.
    void taken() {
        maybe_resume_protocol(get_write_buffer_size());
        if (closing_ && !end_queued_ && get_write_buffer_size() == 0) queue_end();
    }

private:
    ~MemoryTransport() override = default;
    void destroy() noexcept override { delete this; }
    void find_extra_info(std::string_view, const std::type_info&, void*) const override {}

    void make_connection();
    void lose_connection();
    void let_go() noexcept;
    void queue_end() {
        end_queued_ = true;
        end_writing();
        if (std::exchange(hop_queued_, true)) return; // connection_made() is still to come
        detail::queue_hop(loop().core(), this);
    }
    void end_writing();
    void deliver();
    void give(std::string_view data);
    void protocol_failed(const char* message) {
        report_current(message);
        force_close(std::current_exception());
    }

    /// What is queued for a delivery: writing must not fail for want of memory for it.
    struct Delivery final : detail::Hop {
        explicit Delivery(MemoryTransport& to)
            : Hop(
                  [](detail::Hop* hop) {
                      static_cast<Delivery*>(hop)->end().deliver_and_release();
                  },
                  [](detail::Hop* hop) noexcept { static_cast<Delivery*>(hop)->end().release(); }),
              transport(to) {}
        MemoryTransport& end() const noexcept {
            transport.delivering_ = false;
            return transport;
        }
        MemoryTransport& transport;
    };
    void deliver_and_release() {
        deliver();
        release();
    }

    Delivery delivery_{*this};
    std::shared_ptr<Way> out_;
    std::shared_ptr<Way> in_;
    std::exception_ptr error_;
    bool closing_ = false;
    bool paused_ = false;
    bool made_ = false;
    bool end_queued_ = false;
    bool hop_queued_ = false;
    bool delivering_ = false; // a delivery is queued
    bool read_eof_ = false;
    bool write_eof_ = false;
};

/// Something arrives after the latency.
template <class F>
void after_latency(EventLoop& loop, const std::shared_ptr<Way>& way, F arrival) {
    auto arrive = [way, arrival] {
        arrival(*way);
        if (way->reader != nullptr) way->reader->deliver_soon();
    };
    if (way->reader == nullptr) return;
    if (way->options.latency() <= Duration()) return arrive();
    way->under_way.push_back(loop.call_later(way->options.latency(), [way, arrive] {
        way->under_way.pop_front();
        arrive();
    }));
}

void MemoryTransport::make_connection() {
    made_ = true;
    try {
        protocol().connection_made(*this);
    } catch (...) {
        report_current("Exception in callback connection_made()");
    }
    if (end_queued_ && !std::exchange(hop_queued_, true)) detail::queue_hop(loop().core(), this);
    deliver_soon();
}

void MemoryTransport::write(std::string_view data) {
    if (write_eof_) throw RuntimeError("Cannot call write() after write_eof()");
    if (data.empty() || closing_) return;
    out_->bytes.append(data);
    const std::size_t size = data.size();
    after_latency(loop(), out_, [size](Way& way) { way.arrived += size; });
    maybe_pause_protocol(get_write_buffer_size());
}

void MemoryTransport::write_eof() {
    if (closing_ || std::exchange(write_eof_, true)) return;
    end_writing();
}

void MemoryTransport::end_writing() {
    if (std::exchange(out_->ended, true)) return;
    if (loop().is_closed()) return;
    after_latency(loop(), out_, [](Way& way) { way.end_arrived = true; });
}

void MemoryTransport::deliver_soon() {
    if (!made_ || delivering_ || !is_reading() || read_eof_ || loop().is_closed()) return;
    delivering_ = true;
    add_ref();
    detail::queue_hop(loop().core(), &delivery_);
}

// One piece a turn, as a transport of a socket.
void MemoryTransport::deliver() {
    if (!is_reading() || read_eof_) return;
    const std::size_t there = std::min(in_->arrived, in_->bytes.size());
    if (there == 0) {
        if (!in_->end_arrived) return;
        read_eof_ = true;
        try {
            if (!tell_eof()) close();
        } catch (...) {
            protocol_failed("Fatal error: protocol.eof_received() call failed.");
        }
        return;
    }
    const std::size_t most = in_->options.piece() != 0 ? in_->options.piece() : there;
    const std::string piece(in_->bytes.data(), std::min(there, most));
    in_->bytes.consume(piece.size());
    in_->arrived -= piece.size();
    if (in_->writer != nullptr) in_->writer->taken();
    give(piece);
    deliver_soon();
}

void MemoryTransport::give(std::string_view data) {
    try {
        if (!is_buffered()) return streaming().data_received(data);
        while (!data.empty() && is_buffered()) {
            const std::span<std::byte> buffer = buffered().get_buffer(-1);
            if (buffer.empty()) throw RuntimeError("get_buffer() returned an empty buffer");
            const std::size_t bytes = std::min(buffer.size(), data.size());
            std::memcpy(buffer.data(), data.data(), bytes);
            data.remove_prefix(bytes);
            buffered().buffer_updated(bytes);
        }
    } catch (...) {
        protocol_failed("Fatal error: protocol.data_received() call failed.");
    }
}

void MemoryTransport::force_close(const std::exception_ptr& error) {
    if (end_queued_) return;
    closing_ = true;
    error_ = error;
    if (out_->bytes.size() > out_->options.capacity()) { // what a socket has taken still arrives
        const std::string sent(out_->bytes.data(), out_->options.capacity());
        out_->bytes.clear();
        out_->bytes.append(sent);
    }
    queue_end();
}

void MemoryTransport::lose_connection() {
    struct LetGo { // also after an interrupt
        MemoryTransport& self;
        ~LetGo() { self.let_go(); }
    } let_go_at_end{*this};
    try {
        protocol().connection_lost(error_);
    } catch (...) {
        report_current("Exception in callback connection_lost()");
    }
}

void MemoryTransport::let_go() noexcept {
    closing_ = end_queued_ = true;
    out_->writer = nullptr;
    in_->cut();
    if (in_->writer != nullptr) in_->writer->taken(); // what a close() waits for will never go
    const std::shared_ptr<BaseProtocol> last = let_protocol_go();
    release();
}

} // namespace

MemoryConnection::MemoryConnection(std::shared_ptr<BaseProtocol> first,
                                   std::shared_ptr<BaseProtocol> second,
                                   const MemoryOptions& options) {
    EventLoop& loop = get_running_loop();
    const auto there = std::make_shared<Way>(options);
    const auto back = std::make_shared<Way>(options);
    first_ = TransportRef(*new MemoryTransport(loop, std::move(first), there, back));
    second_ = TransportRef(*new MemoryTransport(loop, std::move(second), back, there));
}

MemoryConnection::~MemoryConnection() {
    first_->abort(); // also one that is closing, and waits for its peer to read
    second_->abort();
}

void MemoryConnection::reset() {
    for (const TransportRef& end : {first_, second_}) {
        static_cast<MemoryTransport&>(*end).force_close(os::os_error(ECONNRESET, "recv"));
    }
}

std::pair<Stream, Stream> memory_streams(const MemoryOptions& options, std::size_t limit_bytes) {
    const auto first = std::make_shared<StreamReaderProtocol>(StreamReader(limit_bytes));
    const auto second = std::make_shared<StreamReaderProtocol>(StreamReader(limit_bytes));
    EventLoop& loop = get_running_loop();
    const auto there = std::make_shared<Way>(options);
    const auto back = std::make_shared<Way>(options);
    auto* one = new MemoryTransport(loop, first, there, back);
    auto* other = new MemoryTransport(loop, second, back, there);
    return {Stream{first->reader(), StreamWriter(*one, first)},
            Stream{second->reader(), StreamWriter(*other, second)}};
}

} // namespace asyncio::testing
