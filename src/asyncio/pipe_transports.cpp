// SPDX-License-Identifier: MIT
// Pipes: read to their end, written until nobody reads.
#include "asyncio/pipe_transports.h"

#include "os/pipes.h"

namespace asyncio::detail {

namespace {

os::Descriptor checked_pipe(os::Descriptor pipe) {
    switch (os::kind_of_file(pipe.get())) {
    case os::FileKind::other:
        throw ValueError("Pipe transport is only for pipes, sockets and character devices");
    case os::FileKind::none: os::throw_os_error(EBADF, "fstat", "pipe");
    default: break;
    }
    os::set_nonblocking(pipe.get());
    return pipe;
}

} // namespace

// ---- both ways ----------------------------------------------------------------------------------

PipeTransport::PipeTransport(EventLoop& loop, os::Descriptor pipe,
                             std::shared_ptr<BaseProtocol> protocol, const Channel::Ops& operations)
    : StreamTransport(loop, checked_pipe(std::move(pipe)), std::move(protocol), operations,
                      Medium::other) {}

void PipeTransport::find_extra_info(std::string_view name, const std::type_info& type,
                                    void* into) const {
    tell(extra::pipe, name, type, into, [this] { return fileno(); });
}

std::string PipeTransport::peer_text() const { return "fd " + std::to_string(fileno()); }

// ---- reading ------------------------------------------------------------------------------------

// Whatever the protocol says: there is no other way to keep open.
void ReadPipeTransport::received_eof() {
    tell_eof_received();
    close();
}

// EIO is how a terminal tells that its other end is gone.
void ReadPipeTransport::read_failed(const std::exception_ptr& error) {
    constexpr const char* message = "Fatal read error on pipe transport";
    try {
        std::rethrow_exception(error);
    } catch (const OSError& failure) {
        if (failure.errnum() != EIO) report(message, error);
    }
    fail(error, message);
}

// ---- writing ------------------------------------------------------------------------------------

const Channel::Ops WritePipeTransport::write_ops{
    [](Channel& channel, std::uint32_t events) {
        static_cast<WritePipeTransport&>(channel).on_write_io(events);
    },
    &ChannelTransport::at_close};

WritePipeTransport::WritePipeTransport(EventLoop& loop, os::Descriptor pipe,
                                       std::shared_ptr<BaseProtocol> protocol)
    : PipeTransport(loop, std::move(pipe), std::move(protocol), write_ops),
      tells_end_(os::kind_of_file(fileno()) != os::FileKind::character_device) {}

void WritePipeTransport::on_write_io(std::uint32_t events) {
    if (!is_open()) return release(); // it was closed while it stood in the line
    constexpr std::uint32_t ends = os::Epoll::peer_closed | os::Epoll::hung_up | os::Epoll::failed;
    constexpr std::uint32_t writes = os::Epoll::writable | ends;
    const InContext context(*this);
    if ((events & ends) != 0 && tells_end_) {
        std::exception_ptr error;
        if (has_unsent()) error = os::os_error(EPIPE, "write", peer_text());
        return force_close(error);
    }
    if ((events & writes) != 0 && has_unsent()) write_ready();
}

void WritePipeTransport::refuse_write(const char*) {
    if (!is_dropped_too_often()) return;
    log(LogLevel::warning, "pipe closed by peer or os.write(pipe, data) raised exception.");
}

std::string WritePipeTransport::text() const {
    std::string text = std::string("<") + name();
    if (!is_open()) return text + " closed>";
    if (is_closing()) text += " closing";
    text += " fd=" + std::to_string(fileno()) + (has_unsent() ? " polling" : " idle");
    return text + " bufsize=" + std::to_string(get_write_buffer_size()) + ">";
}

} // namespace asyncio::detail
