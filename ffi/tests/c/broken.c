// Wrong on purpose: proof that the sanitizer sees it, in a program that uses the library.

#include "check.h"

int main(void) {
    dm_node *node = ephemeral("broken");
    dm_node_free(&node);
    volatile char *bytes = malloc(16);
    bytes[0] = 1;
#ifdef OVERRUN
    bytes[16] = 1;
#endif
#ifdef LEAK
    bytes = NULL;
#endif
    return 0;
}
