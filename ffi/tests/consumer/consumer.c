// A program of somebody else, built against an installed library.

#include <dmagent.h>
#include <stdio.h>

int main(void) {
    dm_error error = {0};
    dm_node *node = NULL;
    dm_agent_id id;
    if (dm_check_abi(DM_ABI_VERSION, &error) != DM_OK ||
        dm_node_open(dm_text_of("ephemeral"), dm_no_text(), &node, &error) != DM_OK ||
        dm_node_agent_id(node, &id, &error) != DM_OK) {
        fprintf(stderr, "%s\n", error.message.data);
        dm_error_clear(&error);
        return 1;
    }
    printf("%s %s\n", dm_version().data, id.hex);
    dm_node_free(&node);
    return 0;
}
