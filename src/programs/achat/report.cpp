// SPDX-License-Identifier: MIT
// The lines of the report.
#include "programs/achat/report.h"

#include "programs/terminal/figures.h"

#include <algorithm>
#include <cmath>

namespace achat {

using namespace terminal;

namespace {

std::string delay_text(std::int64_t ns) { return time_text(static_cast<double>(ns) * 1e-9); }

std::string percent_text(double part) { return std::to_string(std::lround(part * 100)) + " %"; }

std::string messages_text(const Load& load, double seconds) {
    const Ledger& ledger = load.ledger();
    const double rate = static_cast<double>(ledger.messages()) / std::max(seconds, 1e-9);
    std::string text = "messages    " + grouped(ledger.messages()) + " said in " +
                       time_text(seconds) + ", " +
                       grouped(static_cast<std::uint64_t>(std::llround(rate))) + " a second\n";
    text += "deliveries  " + grouped(ledger.delivered()) + " of " + grouped(ledger.expected());
    if (ledger.all_here() && ledger.misplaced() == 0) {
        text += ": none lost, each once and in order";
        if (ledger.same_order_for_all()) text += ", the same order for all";
    }
    return text + "\n";
}

std::string delays_text(const Histogram& delay) {
    return "delay       p50 " + delay_text(delay.quantile_ns(0.5)) + ", p99 " +
           delay_text(delay.quantile_ns(0.99)) + ", longest " + delay_text(delay.max_ns()) +
           ", from when a message is due\n";
}

// What the kernel does is asked for by the program, but a library can only save the rest.
std::string processor_text(const Measured& measured, std::uint64_t deliveries) {
    const double all = measured.used.processor_seconds;
    const double own = std::max(all - measured.calls.seconds(), 0.0);
    const double busy = all / std::max(measured.used.wall_seconds, 1e-9);
    const double count = static_cast<double>(std::max<std::uint64_t>(deliveries, 1));
    return "processor   " + time_text(all) + " for both sides (" + percent_text(busy) +
           "): " + time_text(all / count) + " a delivery, " + time_text(own / count) +
           " outside of system calls\n";
}

std::string calls_text(const CallCounts& calls) {
    return "calls       " + grouped(calls.sends.calls) + " to send, " +
           grouped(calls.receives.calls) + " to receive, " + grouped(calls.waits.calls) +
           " to wait for events\n";
}

std::string memory_text(const Load& load, double bytes) {
    const double count = static_cast<double>(load.plan().clients);
    return "memory      " + bytes_text(bytes) + " for " +
           count_text(load.plan().clients, "connection") + ": " + bytes_text(bytes / count) +
           " each, for both ends together\n";
}

std::string slow_text(const Counts& counts) {
    if (counts.too_slow == 0) return "slow        nobody was dropped\n";
    return "slow        " + count_text(counts.too_slow, "client") +
           " dropped: it never read, and others did not wait for it\n";
}

} // namespace

std::string progress_text(const Load& load, double seconds) {
    const Ledger& ledger = load.ledger();
    return tenths_text(seconds) + ": " + grouped(ledger.messages()) + " said, " +
           grouped(ledger.delivered()) + " heard, " +
           grouped(ledger.expected() - ledger.delivered()) + " on the way, p99 " +
           delay_text(ledger.delay().quantile_ns(0.99));
}

std::string report_text(const Load& load, const Counts& counts, const Measured& measured) {
    return messages_text(load, measured.used.wall_seconds) + delays_text(load.ledger().delay()) +
           processor_text(measured, load.ledger().delivered()) + calls_text(measured.calls) +
           memory_text(load, measured.memory_bytes) + slow_text(counts) + "goodbye     heard by " +
           grouped(load.goodbyes()) + " of " + count_text(load.plan().clients, "client") + "\n";
}

std::string faults_text(const Load& load, const Counts& counts, std::uint64_t sleepers) {
    const Ledger& ledger = load.ledger();
    std::string text;
    if (ledger.lost() != 0) text += grouped(ledger.lost()) + " deliveries are lost\n";
    if (ledger.misplaced() != 0) text += grouped(ledger.misplaced()) + " came out of order\n";
    if (ledger.all_here() && !ledger.same_order_for_all()) text += "orders differ in a room\n";
    if (counts.too_slow != sleepers) {
        text += count_text(counts.too_slow, "client") + " dropped for reading too slowly\n";
    }
    if (!load.complaint().empty()) text += "the server said: " + load.complaint() + "\n";
    if (load.goodbyes() != load.in_room()) text += "not all were told goodbye\n";
    return text;
}

} // namespace achat
