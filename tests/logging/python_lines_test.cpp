// SPDX-License-Identifier: MIT
// The same calls in Python's logging and here: the lines have to be the same.
#include "asyncio/testing/testing.h"
#include "logging/config.h"
#include "logging/kept_records.h"
#include "support/programs.h"
#include "support/scratch.h"

#include <sstream>

using namespace logging;
using support::Scratch;

namespace {

/// All that a script in Python prints.
std::string printed_by(const std::string& script, const std::string& argument = "") {
    const support::Program program(support::python(script, argument));
    std::string all;
    for (std::string some = program.some(); !some.empty(); some = program.some()) all += some;
    return all;
}

/// The script's beginning: a logger "app.db" that prints lines of a format.
std::string logger_with(const std::string& format) {
    return "import logging, sys\n"
           "handler = logging.StreamHandler(sys.stdout)\n"
           "handler.setFormatter(logging.Formatter('" +
           format +
           "'))\n"
           "log = logging.getLogger('app.db')\n"
           "log.setLevel(logging.DEBUG)\n"
           "log.addHandler(handler)\n"
           "log.propagate = False\n";
}

/// Three loggers and their handlers, in all that decides which lines they get.
constexpr char tree_in_python[] = R"py(
import logging, sys
class To(logging.Handler):
    def __init__(self, name):
        super().__init__()
        self.name_ = name
    def emit(self, record):
        print(self.name_, record.name, record.getMessage())
top, mid, leaf = (logging.getLogger(n) for n in ('p', 'p.q', 'p.q.r'))
for logger, name in ((top, 'top'), (mid, 'mid'), (leaf, 'leaf')):
    logger.addHandler(To(name))
top.propagate = False
top.setLevel(logging.INFO)
leaf.info('1')
leaf.debug('2')
mid.setLevel(logging.ERROR)
leaf.info('3')
leaf.error('4')
leaf.setLevel(logging.DEBUG)
leaf.debug('5')
mid.addFilter(lambda record: False)
leaf.error('6')
mid.error('7')
mid.propagate = False
leaf.error('8')
top.handlers[0].setLevel(logging.CRITICAL)
top.error('9')
top.critical('10')
logging.disable(logging.ERROR)
leaf.error('11')
leaf.critical('12')
)py";

/// Says where each line has arrived.
class To final : public Handler {
public:
    To(std::string name, std::string& into) : name_(std::move(name)), into_(into) {}

private:
    void emit(const LogRecord& record) override {
        into_ += name_ + ' ' + record.name + ' ' + record.message + '\n';
    }
    std::string name_;
    std::string& into_; // LIFETIME: the case's
};

/// The lines of the same logger here.
struct Ours {
    explicit Ours(const std::string& format) : logger(get_logger("app.db")) {
        handler->set_formatter(std::make_shared<PatternFormatter>(format));
        logger.set_level(DEBUG);
        logger.add_handler(handler);
        logger.set_propagate(false);
    }
    Ours(const Ours&) = delete;
    Ours& operator=(const Ours&) = delete;
    ~Ours() { logger.remove_handler(handler); }

    std::string text() const {
        std::string all;
        for (const std::string& line : handler->lines) all += line + '\n';
        return all;
    }

    Logger& logger;
    std::shared_ptr<kept::Lines> handler = std::make_shared<kept::Lines>();
};

} // namespace

TEST("LG01: lines of all levels and formats are those that Python writes") {
    for (const std::string format : {
             "%(levelname)s:%(name)s:%(message)s",
             "%(levelname)-10s|%(name)12s|%(message)s",
             "[%(levelno)d] %(message)s (100%%)",
             "%(name)-3s %(levelname)2s %(message)s",
             "%(message)s",
         }) {
        const std::string theirs = printed_by(logger_with(format) + "log.debug('one')\n"
                                                                    "log.info('two %s', 2)\n"
                                                                    "log.warning('three %s', 'x')\n"
                                                                    "log.error('four')\n"
                                                                    "log.critical('')\n"
                                                                    "log.log(25, 'between')\n");
        const Ours ours(format);
        ours.logger.debug("one");
        ours.logger.info("two {}", 2);
        ours.logger.warning("three {}", "x");
        ours.logger.error("four");
        ours.logger.critical("");
        ours.logger.log(Level(25), "between");
        CHECK_EQ(ours.text(), theirs);
    }
}

TEST("LG01: which lines pass levels, filters and the tree is as in Python") {
    std::string mine;
    Logger& top = get_logger("p");
    Logger& mid = get_logger("p.q");
    Logger& leaf = get_logger("p.q.r");
    top.add_handler(std::make_shared<To>("top", mine));
    mid.add_handler(std::make_shared<To>("mid", mine));
    leaf.add_handler(std::make_shared<To>("leaf", mine));
    top.set_propagate(false);
    top.set_level(INFO);
    leaf.info("1");
    leaf.debug("2");
    mid.set_level(ERROR);
    leaf.info("3");
    leaf.error("4");
    leaf.set_level(DEBUG);
    leaf.debug("5");
    mid.add_filter([](const LogRecord&) { return false; });
    leaf.error("6");
    mid.error("7");
    mid.set_propagate(false);
    leaf.error("8");
    top.handlers().at(0)->set_level(CRITICAL);
    top.error("9");
    top.critical("10");
    disable(ERROR);
    leaf.error("11");
    leaf.critical("12");
    disable(NOTSET);
    for (Logger* logger : {&top, &mid, &leaf}) logger->remove_handler(logger->handlers().at(0));
    CHECK_EQ(mine, printed_by(tree_in_python));
}

TEST("LG01: Python reads each line of JSON, and finds in it what was logged") {
    const Scratch scratch;
    FileHandler file(scratch.path("app.jsonl"));
    file.set_formatter(std::make_shared<JsonFormatter>());
    std::string every_byte;
    for (int byte = 1; byte < 0x80; ++byte) every_byte += static_cast<char>(byte);
    LogRecord record = kept::record(WARNING, every_byte);
    record.context = {{"quote\"d", "back\\slash"}, {"中", "文"}};
    file.handle(record);
    record.message = "second";
    record.exception = "ValueError('x')";
    file.handle(record);
    const std::string read = printed_by(R"py(
import json, sys
first, second = [json.loads(line) for line in open(sys.argv[1], encoding='utf-8')]
assert first['message'] == ''.join(map(chr, range(1, 128)))
assert first['context'] == {'quote"d': 'back\\slash', '中': '文'}
assert (first['level'], first['logger'], first['process']) == ('WARNING', 'app.db', 4711)
assert second['exception'] == "ValueError('x')" and 'exception' not in first
print('read')
)py",
                                        scratch.path("app.jsonl"));
    CHECK_EQ(read, "read\n");
}
