// SPDX-License-Identifier: MIT
// Transports: how bytes reach a peer and come from it.
#pragma once

#include "asyncio/protocols.h"
#include "asyncio/trsock.h"
#include "base/counted.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>

namespace asyncio {

class EventLoop;

/// Names a fact that a transport knows, and its type: `transport.get_extra_info(extra::peername)`.
template <class T>
struct ExtraInfo {
    const char* name;
};

/// The facts that transports of sockets know; those of pipes know the last one.
namespace extra {
// Who is at the other end, and at this one.
inline constexpr ExtraInfo<Address> peername{"peername"};
inline constexpr ExtraInfo<Address> sockname{"sockname"};
// The socket itself, to look at and to set options of.
inline constexpr ExtraInfo<TransportSocket> socket{"socket"};
// The descriptor of a pipe's transport; -1: closed.
inline constexpr ExtraInfo<int> pipe{"pipe"};
} // namespace extra

/// One end of a connection, as its protocol sees it. Nothing here waits.
///
/// The loop owns it until connection_lost() was called; a TransportRef keeps the object longer, and
/// then it does nothing any more.
///
/// Thread    the loop's own.
/// Source    CPython 3.14 asyncio.Transport.  Differs: one class for BaseTransport, ReadTransport,
///           WriteTransport and DatagramTransport; the half that a one-way transport does not have
///           throws NotImplementedError, as the base classes do there.
class Transport {
public:
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

    // ---- both ways -----------------------------------------------------------------------------

    /// Reads no more, sends what is buffered, then connection_lost(null). Harmless twice.
    virtual void close() = 0;
    virtual bool is_closing() const noexcept = 0;
    /// The protocol that is told from now on.
    /// Throws    TypeError: it is neither a Protocol nor a BufferedProtocol; for datagrams: no
    ///           DatagramProtocol.
    virtual void set_protocol(std::shared_ptr<BaseProtocol> protocol) = 0;
    /// Null after connection_lost.
    virtual const std::shared_ptr<BaseProtocol>& get_protocol() const noexcept = 0;

    /// A fact about the connection.
    /// Returns   nothing if this transport does not know it.
    template <class T>
    std::optional<T> get_extra_info(ExtraInfo<T> key) const {
        std::optional<T> fact;
        find_extra_info(key.name, typeid(T), &fact);
        return fact;
    }
    template <class T>
    T get_extra_info(ExtraInfo<T> key, T otherwise) const {
        std::optional<T> fact = get_extra_info(key);
        return fact ? std::move(*fact) : std::move(otherwise);
    }

    // ---- reading -------------------------------------------------------------------------------

    /// Does its protocol get bytes as they come? False when paused, and once it is closing.
    virtual bool is_reading() const;
    /// No data_received() until resume_reading(). Harmless twice, and after close().
    virtual void pause_reading();
    virtual void resume_reading();

    /// How much may wait here until it is given to the protocol, in bytes: of transports over TLS.
    ///
    /// high, low   as of set_write_buffer_limits; nothing: 256 KiB and a quarter of `high`
    /// Throws    ValueError: not high >= low >= 0. NotImplementedError: it keeps nothing.
    virtual void set_read_buffer_limits(std::optional<std::ptrdiff_t> high = std::nullopt,
                                        std::optional<std::ptrdiff_t> low = std::nullopt);
    /// low, high
    virtual std::pair<std::size_t, std::size_t> get_read_buffer_limits() const;
    virtual std::size_t get_read_buffer_size() const;

    // ---- writing -------------------------------------------------------------------------------

    /// Sends what goes at once, and keeps a copy of the rest. After the loss of the connection it
    /// does nothing; from the fifth time on with a warning.
    /// Throws    RuntimeError: after write_eof(), or while a file is being sent.
    virtual void write(std::string_view data);
    /// Several pieces in one system call.
    virtual void writelines(std::span<const std::string_view> pieces);
    /// Ends what is sent, once all of it has gone; the peer may go on. Harmless twice.
    /// Throws    NotImplementedError: it cannot (see can_write_eof). OSError: not connected now.
    virtual void write_eof();
    virtual bool can_write_eof() const noexcept { return false; }
    /// Drops what is buffered, then connection_lost(null).
    virtual void abort();

    /// When the protocol is paused and resumed, in unsent bytes; looked at at once.
    ///
    /// high, low   nothing: 64 KiB (over TLS 512) and a quarter of `high`; `low` alone: high is
    ///             four times that.
    /// Throws    ValueError: not high >= low >= 0.
    virtual void set_write_buffer_limits(std::optional<std::ptrdiff_t> high = std::nullopt,
                                         std::optional<std::ptrdiff_t> low = std::nullopt);
    /// low, high
    virtual std::pair<std::size_t, std::size_t> get_write_buffer_limits() const;
    virtual std::size_t get_write_buffer_size() const;

    // ---- datagrams -----------------------------------------------------------------------------

    /// Sends a datagram, of any size that the network takes, also none; see DatagramTransport.
    ///
    /// to        whom; none: the peer that the endpoint was made with.
    /// Throws    NotImplementedError: it carries no datagrams. ValueError: another address than the
    ///           peer's, or none where there is no peer.
    virtual void sendto(std::string_view data, const Address& to = Address());

    /// How loop.sendfile() sends over it: not at all, by reading and writing, or by the kernel.
    enum class SendfileMode { unsupported, fallback, native };
    virtual SendfileMode sendfile_mode() const noexcept { return SendfileMode::unsupported; }

    /// Can loop.start_tls() put TLS over it?
    virtual bool can_start_tls() const noexcept { return false; }

    /// For reports: "<SocketTransport fd=7 read=polling write=<idle, bufsize=0>>".
    virtual std::string text() const = 0;

    // The library's own use: see TransportRef.
    void add_ref() noexcept { ++refs_; }
    void release() noexcept {
        if (--refs_ == 0) destroy();
    }

protected:
    Transport() noexcept = default;
    virtual ~Transport() = default;
    virtual void destroy() noexcept = 0;
    /// into   a std::optional of the wanted type; left alone if the fact is not known.
    virtual void find_extra_info(std::string_view name, const std::type_info& type,
                                 void* into) const = 0;
    /// Asks another one, below this one.
    static void ask(const Transport& other, std::string_view name, const std::type_info& type,
                    void* into) {
        other.find_extra_info(name, type, into);
    }

    /// For find_extra_info(): gives `value()` if `key` is what was asked for.
    template <class T, class F>
    static bool tell(ExtraInfo<T> key, std::string_view name, const std::type_info& type,
                     void* into, F&& value) {
        if (name != key.name || type != typeid(T)) return false;
        *static_cast<std::optional<T>*>(into) = value();
        return true;
    }

private:
    std::uint32_t refs_ = 1;
};

/// As text().
inline std::string to_string(const Transport& transport) { return transport.text(); }

/// Keeps a transport's object. Copies show the same one; it may be empty.
///
/// Thread    the loop's own: its count is plain.
class TransportRef : public base::Counted<Transport> {
public:
    TransportRef() noexcept = default;
    explicit TransportRef(Transport& transport) noexcept : base::Counted<Transport>(&transport) {}
};

/// Python's name for a transport of datagrams.
///
/// sendto() sends at once what goes, and keeps a copy of the rest in its order; each datagram that
/// is kept counts 8 bytes more than its size. What the system refuses, the protocol is told by
/// error_received(), and the endpoint goes on. After the end it does nothing; from the fifth time
/// on with a warning.
using DatagramTransport = Transport;

namespace detail {

/// What a transport gives its protocol.
enum class ProtocolKind : std::uint8_t { streaming, buffered, datagrams };

/// A transport that pauses its protocol while much is unsent.
/// Source    CPython's transports._FlowControlMixin.
class FlowControlTransport : public Transport {
public:
    void set_protocol(std::shared_ptr<BaseProtocol> protocol) override;
    const std::shared_ptr<BaseProtocol>& get_protocol() const noexcept final { return protocol_; }
    void set_write_buffer_limits(std::optional<std::ptrdiff_t> high,
                                 std::optional<std::ptrdiff_t> low) override;
    std::pair<std::size_t, std::size_t> get_write_buffer_limits() const override {
        return {low_, high_};
    }
    bool is_protocol_paused() const noexcept { return protocol_paused_; }
    SendfileMode sendfile_mode() const noexcept override { return SendfileMode::fallback; }

protected:
    enum class Carries : bool { bytes, datagrams };
    /// Throws    TypeError: no protocol, or one for something else.
    FlowControlTransport(EventLoop& loop, std::shared_ptr<BaseProtocol> protocol,
                         Carries what = Carries::bytes);

    /// The high-water mark where none is given.
    virtual std::ptrdiff_t default_high_water() const noexcept { return 64 * 1024; }
    /// low, high, both of them given.  Throws ValueError.
    static std::pair<std::uint32_t, std::uint32_t> checked_marks(std::optional<std::ptrdiff_t> high,
                                                                 std::optional<std::ptrdiff_t> low,
                                                                 std::ptrdiff_t high_default);
    /// The protocol was paused by the transport below, whose protocol it was.
    void inherit_pause() noexcept { protocol_paused_ = true; }

    void maybe_pause_protocol(std::size_t unsent) {
        if (unsent > high_ && !protocol_paused_) pause_protocol();
    }
    void maybe_resume_protocol(std::size_t unsent) {
        if (protocol_paused_ && unsent <= low_) resume_protocol();
    }
    /// An exception of the protocol or of the library: to the loop's handler.
    void report(std::string message, std::exception_ptr error) const noexcept;
    /// For a catch (...) clause: reports what was caught; an interrupt goes on instead.
    void report_current(const char* message) const;
    /// Only while the loop owns the transport.
    EventLoop& loop() const noexcept;
    std::uint16_t loop_index() const noexcept { return loop_; }

    BaseProtocol& protocol() const noexcept { return *protocol_; }
    bool is_buffered() const noexcept { return kind_ == ProtocolKind::buffered; }
    bool carries_datagrams() const noexcept { return kind_ == ProtocolKind::datagrams; }
    Protocol& streaming() const noexcept { return static_cast<Protocol&>(*protocol_); }
    BufferedProtocol& buffered() const noexcept {
        return static_cast<BufferedProtocol&>(*protocol_);
    }
    DatagramProtocol& datagrams() const noexcept {
        return static_cast<DatagramProtocol&>(*protocol_);
    }
    bool tell_eof() const {
        return is_buffered() ? buffered().eof_received() : streaming().eof_received();
    }
    /// The protocol is not needed any more: connection_lost() was called.
    std::shared_ptr<BaseProtocol> let_protocol_go() noexcept { return std::move(protocol_); }

private:
    void pause_protocol();
    void resume_protocol();

    // A connection is idle most of its life: what it holds is kept small.
    bool protocol_paused_ = false;
    ProtocolKind kind_;
    std::uint16_t loop_; // its index
    std::shared_ptr<BaseProtocol> protocol_;
    std::uint32_t high_ = 64 * 1024; // marks beyond 4 GiB count as 4 GiB
    std::uint32_t low_ = 16 * 1024;
};

} // namespace detail

} // namespace asyncio
