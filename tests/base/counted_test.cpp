// SPDX-License-Identifier: MIT
// Counted: each handle holds one count, and the last one frees the object.
#include "base/counted.h"

#include "asyncio/testing/testing.h"

#include <utility>
#include <vector>

namespace {

struct Thing {
    int refs = 1;
    int* freed;
    int number = 7;
};

void add_ref(Thing* thing) { ++thing->refs; }
void release(Thing* thing) {
    if (--thing->refs != 0) return;
    ++*thing->freed;
    delete thing;
}

using Counted = asyncio::base::Counted<Thing>;

} // namespace

TEST("Counted: copies add counts, and the object is freed with the last one") {
    int freed = 0;
    {
        const Counted first = Counted::adopt(new Thing{1, &freed});
        CHECK_EQ(first->refs, 1);
        {
            const Counted second = first;
            CHECK_EQ(first->refs, 2);
            CHECK(second == first);
        }
        CHECK_EQ(first->refs, 1);
        CHECK_EQ((*first).number, 7);
    }
    CHECK_EQ(freed, 1);
}

TEST("Counted: of a pointer adds a count, and adopt takes one over") {
    int freed = 0;
    auto* thing = new Thing{1, &freed};
    {
        const Counted added(thing);
        CHECK_EQ(thing->refs, 2);
    }
    CHECK_EQ(freed, 0);
    const Counted adopted = Counted::adopt(thing);
    CHECK_EQ(thing->refs, 1);
}

TEST("Counted: moving changes no count, and leaves an empty one") {
    int freed = 0;
    Counted from = Counted::adopt(new Thing{1, &freed});
    Counted to = std::move(from);
    CHECK(!from); // NOLINT(bugprone-use-after-move): that is what is asked
    CHECK_EQ(to->refs, 1);
    to = Counted();
    CHECK_EQ(freed, 1);
    CHECK(to.get() == nullptr);
}

TEST("Counted: assigning to itself or to another frees what nobody holds, and no more") {
    int freed = 0;
    Counted a = Counted::adopt(new Thing{1, &freed});
    Counted b = Counted::adopt(new Thing{1, &freed});
    const Counted& same = a;
    a = same;
    CHECK_EQ(freed, 0);
    CHECK_EQ(a->refs, 1);
    a = b;
    CHECK_EQ(freed, 1);
    CHECK_EQ(b->refs, 2);
}

TEST("Counted: who releases the ownership has the count") {
    int freed = 0;
    Counted owner = Counted::adopt(new Thing{1, &freed});
    Thing* thing = owner.release_ownership();
    CHECK(!owner);
    CHECK_EQ(freed, 0);
    release(thing);
    CHECK_EQ(freed, 1);
}
