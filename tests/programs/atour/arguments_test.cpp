// SPDX-License-Identifier: MIT
// The command line of atour: what it takes, and what it says of the rest.
#include "programs/atour/arguments.h"

#include "asyncio/testing/testing.h"

#include <vector>

namespace {

using atour::Arguments;
using atour::UsageError;

template <class... Words>
Arguments parse(Words... words) {
    const std::vector<const char*> all{words...};
    return atour::parse_arguments(all);
}

TEST("arguments: without any, the folder is /usr/include") {
    const Arguments arguments = parse();
    CHECK_EQ(arguments.folder, "/usr/include");
    CHECK_EQ(arguments.sums_file, "");
    CHECK(!arguments.help);
}

TEST("arguments: a folder and a file for the sums are taken in any order") {
    for (const Arguments& arguments :
         {parse("--sums", "out", "here"), parse("here", "--sums=out")}) {
        CHECK_EQ(arguments.folder, "here");
        CHECK_EQ(arguments.sums_file, "out");
    }
}

TEST("arguments: behind -- a folder may be called like an option") {
    CHECK_EQ(parse("--", "--help").folder, "--help");
    CHECK(!parse("--", "--help").help);
    CHECK(parse("-h").help);
}

TEST("arguments: what cannot be understood is named") {
    CHECK_THROWS_MSG(parse("--fast"), UsageError, "there is no option --fast");
    CHECK_THROWS_MSG(parse("-"), UsageError, "there is no option -");
    CHECK_THROWS_MSG(parse("--sums"), UsageError, "--sums needs a file");
    CHECK_THROWS_MSG(parse("--sums="), UsageError, "--sums needs a file");
    CHECK_THROWS_MSG(parse("a", "b"), UsageError, "one folder at a time: a or b?");
    CHECK_THROWS_MSG(parse(""), UsageError, "the name of the folder is empty");
}

} // namespace
