// SPDX-License-Identifier: MIT
// The conversation with an Inspection: connect, and read to the end.
#include "programs/task_views/asking.h"

#include "asyncio/inspection.h"
#include "asyncio/unix_connections.h"
#include "os/process.h"

#include <cerrno>
#include <string>

namespace task_views {

using namespace asyncio;

namespace {

std::string named(long process) { return "process " + std::to_string(process); }

// Anybody can take an abstract name; only the process itself is to be believed.
void check_who_answers(const StreamWriter& writer, long process) {
    const auto socket = writer.get_extra_info(extra::socket);
    if (socket && os::peer_credentials(socket->fileno()).process == process) return;
    throw RuntimeError("it is not " + named(process) + " that answers in its name");
}

Coro<Stream> connect(long process) {
    const auto connected = co_await outcome(open_unix_connection(inspection_name(process)));
    if (connected.has_value()) co_return connected.value();
    if (!is_exception<ConnectionRefusedError>(connected.exception())) {
        std::rethrow_exception(connected.exception());
    }
    if (!os::process_exists(process)) os::throw_os_error(ESRCH, "ask", named(process));
    throw RuntimeError(named(process) +
                       " cannot be inspected: it has no asyncio::Inspection, or does not run");
}

} // namespace

Coro<std::vector<LoopSnapshot>> ask_process(long process) {
    auto [reader, writer] = co_await connect(process);
    check_who_answers(writer, process);
    const std::string text = co_await reader.read();
    writer.close();
    if (text.empty()) os::throw_os_error(EACCES, "ask", named(process));
    co_return parse_snapshot(text);
}

} // namespace task_views
