/* replay.c: a target's main where libFuzzer is not: gives it the files named,
 * once each. The last line is how many there were. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20 };

int
main(int argc, char *argv[])
{
	static uint8_t data[INPUT_MAX];
	int i;

	for (i = 1; i < argc; i++) {
		FILE *in = fopen(argv[i], "re");
		size_t size;

		if (in == NULL) {
			perror(argv[i]);
			return 2;
		}
		size = fread(data, 1, sizeof(data), in);
		fclose(in);
		/* seen when the target ends here */
		fprintf(stderr, "Running: %s\n", argv[i]);
		LLVMFuzzerTestOneInput(data, size);
	}
	printf("%d inputs\n", argc - 1);
	return EXIT_SUCCESS;
}
